"""Plans rounds of deliveries: a Problem in, a Solution out. PURE: knows nothing of Django.

``model.problem`` and ``model.solution`` are the nouns, ``solve.solve`` the verb, ``referee.check``
the referee that shares no code with what it judges, ``model.cost`` the one objective. The README
names the packages.
"""

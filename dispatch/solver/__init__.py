"""Plans rounds of deliveries: a Problem in, a Solution out. PURE: knows nothing of Django.

``problem`` and ``solution`` are the nouns, ``solve.solve`` the verb, ``check.check`` the referee
that shares no code with what it judges, ``cost.cost`` the one objective.
"""

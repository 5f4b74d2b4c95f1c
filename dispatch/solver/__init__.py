"""The solver plans delivery routes: it turns a Problem into a Solution. PURE: without Django.

``model.problem`` and ``model.solution`` hold the data, and ``model.cost`` the objective function.
``solve.solve`` runs the solver. ``referee.check`` is an independent check of each solution. The
README describes the packages.
"""

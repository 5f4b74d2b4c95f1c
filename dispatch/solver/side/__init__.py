"""Side problems of a day's routes, for CP-SAT: who drives what, when goods are picked. PURE."""

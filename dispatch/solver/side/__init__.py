"""Side problems of a day's routes, for CP-SAT: when goods are picked. PURE."""

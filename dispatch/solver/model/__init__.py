"""The problem, its solution and the cost of a solution. PURE."""

"""The independent check: what is wrong with a solution, by whatever made it. PURE."""

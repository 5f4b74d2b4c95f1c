"""The independent check of solutions from any engine. PURE."""

"""How functions are compiled, and where the result is kept. PURE."""

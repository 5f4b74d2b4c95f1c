"""The solver's own core: ruin and recreate by strings, compiled. PURE. See ``README.md``."""

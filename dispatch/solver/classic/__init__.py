"""The classic engine: compiled ruin and recreate by string removals. PURE. See ``README.md``."""

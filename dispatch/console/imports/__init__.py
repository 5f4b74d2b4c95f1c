"""Pages that import orders from files."""

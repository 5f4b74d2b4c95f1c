"""Read-only queries about plans: lists, board data, changes, explanations, picking and texts."""

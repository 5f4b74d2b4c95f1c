"""The board: a hub's day, its plans, their routes and stops."""

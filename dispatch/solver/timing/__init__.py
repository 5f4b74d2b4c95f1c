"""When a sequence of visits can be driven. PURE."""

"""The schedule of a sequence of visits: exact, lenient, and as segments. PURE."""

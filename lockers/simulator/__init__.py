"""A simulated cabinet of lockers: a program of its own that speaks only the device plane. PURE."""

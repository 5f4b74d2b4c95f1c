"""A simulated cabinet of lockers: a program of its own that uses only the device plane. PURE."""

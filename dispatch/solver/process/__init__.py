"""The solver as a process: command line, child, cores. PURE."""

"""The solver as a process: its command line, child processes and CPU cores. PURE."""

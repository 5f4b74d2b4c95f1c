"""The search for a plan: in one child process, or split into parts for several workers."""

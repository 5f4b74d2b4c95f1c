"""The search for a plan: in one child process, or in parts by several workers."""

"""Compilation of functions with numba, and the cache of compiled code. PURE."""

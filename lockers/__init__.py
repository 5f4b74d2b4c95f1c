"""Locker banks: compartments, reservations, pickup codes, and the cabinets that report to us."""

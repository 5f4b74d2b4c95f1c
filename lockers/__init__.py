"""Locker banks, compartments and reservations will be here."""

"""Holds parcels: the storey of locker banks, compartments and reservations."""

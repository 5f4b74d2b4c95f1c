"""Moves parcels: orders, fleet, roads, solver, planning, the board."""

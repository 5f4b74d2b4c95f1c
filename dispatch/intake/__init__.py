"""Intake: imports order files row by row, and reports why a row was refused."""

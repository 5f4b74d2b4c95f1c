"""Reads order files: finds the table and its columns, and checks the value of every cell. PURE."""

from dispatch.intake.parse.conventions import Conventions, conventions_of
from dispatch.intake.parse.faults import Fault
from dispatch.intake.parse.joining import ParcelRow, Row
from dispatch.intake.parse.rows import Parsed, Refused, parse_orders

__all__ = [
    "Conventions",
    "Fault",
    "ParcelRow",
    "Parsed",
    "Refused",
    "Row",
    "conventions_of",
    "parse_orders",
]

"""Order files to rows: the table, its columns, and the value of every cell. PURE."""

from dispatch.intake.parse.rows import parse_orders

__all__ = ["parse_orders"]

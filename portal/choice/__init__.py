"""Choosing how to receive an order: delivery sessions, the offers they showed, holds, choices."""

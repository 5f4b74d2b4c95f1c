"""The REST API of checkouts: delivery sessions, holds and choices."""

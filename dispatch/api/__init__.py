"""The REST API, version 1, of orders, fleet, imports and plans."""

"""The REST API of messages."""

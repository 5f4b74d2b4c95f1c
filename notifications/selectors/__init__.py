"""The reads of messages."""

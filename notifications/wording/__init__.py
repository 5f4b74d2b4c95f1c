"""Pure functions on texts, numbers and times of messages."""

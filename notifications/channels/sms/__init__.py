"""SMS: text messages to phone numbers."""

"""Rules: the recipient, the time, and whether a message may be sent."""

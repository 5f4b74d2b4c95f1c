"""Channels: one folder for each way in which a message goes out."""

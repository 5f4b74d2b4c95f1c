"""Tells the outside: the storey of messages and webhooks."""

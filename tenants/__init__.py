"""Owns the house: retailers, members, roles, keys, policy, audit."""

"""The services of choosing: open a session, show offers, hold, confirm, erase."""

from portal.choice.services.erasing import erase_person, forget_sessions

__all__ = ["erase_person", "forget_sessions"]

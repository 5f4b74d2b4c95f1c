"""The services of messages. Other apps import from here."""

from notifications.services.claiming import ClaimedMessage, claim, reap
from notifications.services.erasing import erase_person
from notifications.services.polling import poll_due

__all__ = ["ClaimedMessage", "claim", "erase_person", "poll_due", "reap"]

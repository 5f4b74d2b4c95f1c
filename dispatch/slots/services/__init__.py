"""The services of slots."""

from dispatch.slots.services.erasing import erase_person, forget_places

__all__ = [
    "erase_person",
    "forget_places",
]

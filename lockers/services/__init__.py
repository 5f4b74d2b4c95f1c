"""The services of lockers."""

from lockers.services.banks import BankDraft, CompartmentDraft, add_bank, add_compartments
from lockers.services.forgetting import forget_devices

__all__ = [
    "BankDraft",
    "CompartmentDraft",
    "add_bank",
    "add_compartments",
    "forget_devices",
]

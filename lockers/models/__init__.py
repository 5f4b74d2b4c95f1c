"""The tables of lockers."""

from lockers.models.banks import Compartment, LockerBank
from lockers.models.devices import (
    DeviceMessage,
    JournalEntry,
    LockerCommand,
    LockerDevice,
    ProvisioningToken,
)
from lockers.models.reports import CourierSession, LockerEvent
from lockers.models.reservations import CodeGrant, LockerChange, LockerReservation
from lockers.models.vendors import LockerAccount, VendorReport, VendorReservation

__all__ = [
    "CodeGrant",
    "Compartment",
    "CourierSession",
    "DeviceMessage",
    "JournalEntry",
    "LockerAccount",
    "LockerBank",
    "LockerChange",
    "LockerCommand",
    "LockerDevice",
    "LockerEvent",
    "LockerReservation",
    "ProvisioningToken",
    "VendorReport",
    "VendorReservation",
]

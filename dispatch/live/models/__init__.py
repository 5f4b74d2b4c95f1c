"""The tables of the live day: devices, runs, visits, acts, proofs, positions, arrivals."""

from dispatch.live.models.acts import DriverAct
from dispatch.live.models.arrivals import Arrival, Forecast
from dispatch.live.models.custody import CustodyStep
from dispatch.live.models.devices import Device, DeviceKind, LoginLink
from dispatch.live.models.incidents import Incident
from dispatch.live.models.positions import LastPosition, Position
from dispatch.live.models.proofs import Photo, Proof
from dispatch.live.models.runs import Run, VisitProgress

__all__ = [
    "Arrival",
    "CustodyStep",
    "Device",
    "DeviceKind",
    "DriverAct",
    "Forecast",
    "Incident",
    "LastPosition",
    "LoginLink",
    "Photo",
    "Position",
    "Proof",
    "Run",
    "VisitProgress",
]

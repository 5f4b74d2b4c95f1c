"""The tables of the live day: devices, runs, visits, acts, proofs, incidents."""

from dispatch.live.models.acts import DriverAct
from dispatch.live.models.devices import Device, LoginLink
from dispatch.live.models.incidents import Incident
from dispatch.live.models.proofs import Photo, Proof
from dispatch.live.models.runs import Run, VisitProgress

__all__ = ["Device", "DriverAct", "Incident", "LoginLink", "Photo", "Proof", "Run", "VisitProgress"]

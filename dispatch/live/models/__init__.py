"""The tables of the live day: devices with log-in links, runs, visits, acts and incidents."""

from dispatch.live.models.acts import DriverAct
from dispatch.live.models.devices import Device, LoginLink
from dispatch.live.models.incidents import Incident
from dispatch.live.models.runs import Run, VisitProgress

__all__ = ["Device", "DriverAct", "Incident", "LoginLink", "Run", "VisitProgress"]

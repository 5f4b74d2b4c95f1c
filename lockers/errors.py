"""The errors of lockers."""

from __future__ import annotations

from typing import ClassVar

from lastmile.core.errors import Conflict, DomainError, Invalid


class NoFreeCompartment(Conflict):
    """The bank has no free compartment for this parcel; ``data`` has the reason and alternates."""

    code: ClassVar[str] = "no_free_compartment"


class ReservationRefused(Conflict):
    """The bank cannot take this parcel; ``data`` has the reason of the closed list."""

    code: ClassVar[str] = "reservation_refused"


class ReservationMoveNotAllowed(Conflict):
    """The state of the reservation does not allow this."""

    code: ClassVar[str] = "reservation_state"


class CodeNotValid(Conflict):
    """The reservation has no valid code for this role now."""

    code: ClassVar[str] = "code_not_valid"


class ProvisioningRefused(Invalid):
    """The provisioning token is wrong, used or expired."""

    code: ClassVar[str] = "provisioning_refused"


class CounterRefused(Conflict):
    """The act at a counter is not possible: the place is taken, or the scan names no parcel."""

    code: ClassVar[str] = "counter_refused"


class DeviceRefused(DomainError):
    """A message of a device was refused: signature, time, number or identity."""

    code: ClassVar[str] = "device_refused"
    status: ClassVar[int] = 401


class ReportRefused(Conflict):
    """A report by the API cannot be true here, or its sender may not make it."""

    code: ClassVar[str] = "report_refused"

"""The errors of the live day. Each message states cause and remedy."""

from __future__ import annotations

from lastmile.core.errors import Conflict, DomainError, Invalid, NotFound


class DriverRetired(Conflict):
    """The driver is retired, so no phone can be logged in."""

    code = "driver_retired"


class LoginLinkEnded(NotFound):
    """The log-in link or code is unknown, used or expired. All three get the same answer."""

    code = "login_link_ended"


class DeviceEnded(DomainError):
    """The device is signed out, revoked or expired; its driver logs in again."""

    code = "device_ended"
    status = 401


class DeviceRevoked(DeviceEnded):
    """The device was revoked or signed out, so the phone deletes the addresses that it has."""

    code = "device_revoked"


class OtherDriver(Conflict):
    """Another driver than the one who did this is logged in on the phone."""

    code = "other_driver"


class CodeNotShown(Conflict):
    """The access code is shown near the stop only."""

    code = "code_not_shown"


class PhotoNotExpected(NotFound):
    """No act of the driver names this photo."""

    code = "photo_not_expected"


class WrongHash(Invalid):
    """The bytes of a photo do not have the hash under which they were sent."""

    code = "wrong_hash"


class IncidentSettled(Conflict):
    """The incident was settled before."""

    code = "incident_settled"

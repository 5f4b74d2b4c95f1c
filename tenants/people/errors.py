"""The errors of members, sign-in and API keys."""

from __future__ import annotations

from typing import ClassVar

from lastmile.core.errors import Conflict, DomainError, Invalid, NotAllowed, TooMany


class LoginRefused(DomainError):
    """The e-mail or the password is wrong; the error does not say which."""

    code: ClassVar[str] = "login_refused"
    status: ClassVar[int] = 401


class LoginLocked(TooMany):
    """Too many sign-in attempts for one account or from one address."""

    code: ClassVar[str] = "login_locked"


class MemberExists(Conflict):
    """A member with this e-mail exists already."""

    code: ClassVar[str] = "member_exists"


class LastOwner(Conflict):
    """The last owner cannot be removed, because only owners can add owners."""

    code: ClassVar[str] = "last_owner"


class OwnersOnly(NotAllowed):
    """The change of an owner was refused, because the caller is not an owner."""

    code: ClassVar[str] = "owners_only"


class LinkExpired(Invalid):
    """The set-password link is used, expired or from another retailer."""

    code: ClassVar[str] = "link_expired"


class KeyRevoked(Conflict):
    """The key has been revoked for good."""

    code: ClassVar[str] = "key_revoked"

"""What can go wrong with people and keys."""

from __future__ import annotations

from typing import ClassVar

from lastmile.core.errors import Conflict, DomainError, Invalid, NotAllowed, TooMany


class LoginRefused(DomainError):
    """E-mail and password do not belong together; says nothing of which."""

    code: ClassVar[str] = "login_refused"
    status: ClassVar[int] = 401


class LoginLocked(TooMany):
    """Too many tries for one account or from one address."""

    code: ClassVar[str] = "login_locked"


class MemberExists(Conflict):
    """The e-mail is taken."""

    code: ClassVar[str] = "member_exists"


class LastOwner(Conflict):
    """Somebody must be able to let others in."""

    code: ClassVar[str] = "last_owner"


class OwnersOnly(NotAllowed):
    """Only an owner may make, change or remove an owner."""

    code: ClassVar[str] = "owners_only"


class LinkExpired(Invalid):
    """The set-password link is used, too old, or of another house."""

    code: ClassVar[str] = "link_expired"


class KeyRevoked(Conflict):
    """The key has been revoked for good."""

    code: ClassVar[str] = "key_revoked"

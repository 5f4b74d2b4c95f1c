"""Passwords: check the strength, change them, and set them with a link."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from lastmile.core.errors import FieldProblem, Invalid
from lastmile.core.refusals import unknown
from lastmile.core.tenancy import current_schema
from tenants.people.errors import LinkExpired
from tenants.people.models import Member
from tenants.people.services.access import end_access
from tenants.people.services.audit import audit
from tenants.people.services.login import forget_tries

LINK_LASTS_S = 72 * 3600


def check_strength(password: str, *, email: str, name: str) -> None:
    """Raise Invalid with all reasons if a password is too easy to guess."""
    try:
        about: Any = Member(email=email, name=name)
        validate_password(password, user=about)
    except ValidationError as weak:
        raise Invalid(
            " ".join(weak.messages),
            errors=[FieldProblem("/password", text) for text in weak.messages],
        ) from None


def password_link_token(member: Member) -> str:
    """Return the secret of a set-password link, valid once, for 72 hours, at this retailer."""
    return signing.dumps([member.public_id, _state(member)], salt=_salt())


@transaction.atomic
def set_password_by_link(*, token: str, password: str) -> Member:
    """Set a password with a link. This ends all sessions and unlocks the account.

    Locks: the member. Records: an audit entry. Raises: Invalid, LinkExpired.
    """
    member = member_of_link(token, lock=True)
    check_strength(password, email=member.email, name=member.name)
    _store(member, password)
    forget_tries(member.email)
    audit("member.set_password", member.public_id)
    return member


@transaction.atomic
def change_password(*, public_id: str, old: str, new: str) -> Member:
    """Change one's own password. This ends all sessions, including the current one.

    Locks: the member. Records: an audit entry. Raises: Invalid, NotFound.
    """
    member = Member.objects.select_for_update().filter(public_id=public_id).first()
    if member is None:
        raise unknown()
    if not check_password(old, member.password):
        text = _("This is not your current password.")
        raise Invalid(text, errors=[FieldProblem("/old", text)])
    check_strength(new, email=member.email, name=member.name)
    _store(member, new)
    audit("member.change_password", member.public_id)
    return member


def member_of_link(token: str, *, lock: bool = False) -> Member:
    """Return the member of a link. Raises LinkExpired for a used, old, foreign or forged link."""
    expired = LinkExpired(
        _("This link is used or older than 72 hours. Ask an owner or manager for a new one.")
    )
    try:
        content: Any = signing.loads(token, salt=_salt(), max_age=LINK_LASTS_S)
        public_id, state = content
    except (signing.BadSignature, ValueError, TypeError):
        raise expired from None
    members = Member.objects.select_for_update() if lock else Member.objects.all()
    member = members.filter(public_id=str(public_id), active=True).first()
    if member is None or not constant_time_compare(str(state), _state(member)):
        raise expired
    return member


def _store(member: Member, password: str) -> None:
    member.password = make_password(password)
    member.version += 1
    end_access(member)
    member.save()


def _salt() -> str:
    return f"lastmile.set-password.{current_schema()}"


def _state(member: Member) -> str:
    """Return a digest that changes with the password and the epoch, so that a link works once."""
    raw = f"{member.password}|{member.session_epoch}|{member.email.lower()}"
    return hashlib.sha256(raw.encode()).hexdigest()[:24]

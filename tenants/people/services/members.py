"""Add and change members, end their sessions, and offer links to set a password."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from lastmile.core.errors import Conflict, Problems, Stale
from lastmile.core.ids import looks_like
from lastmile.core.refusals import unknown
from tenants.people.errors import LastOwner, MemberExists, OwnersOnly
from tenants.people.models import Member
from tenants.people.services.access import end_access
from tenants.people.services.audit import audit, changed
from tenants.people.services.passwords import check_strength
from tenants.permissions import Principal, Role

_SHOWN = ("name", "role", "hubs", "language", "active")
_OF_ACCESS = ("role", "hubs", "active")


def add_member(
    *,
    email: str,
    name: str,
    role: str,
    hubs: Iterable[str] | None = None,
    language: str = "",
    password: str | None = None,
    by: Principal | None = None,
) -> Member:
    """Add a member. Without a password, the member sets one with a link.

    Locks: nothing. Records: an audit entry. Raises: Invalid, MemberExists, OwnersOnly.

    Parameters
    ----------
    by : Principal, optional
        The caller who adds the member; None for the command line.
    """
    email = email.strip()
    values: dict[str, Any] = {"name": name.strip(), "role": role, "language": language}
    values["hubs"] = None if hubs is None else sorted(set(hubs))
    _check(values, email=email)
    _owners_only(by, role)
    if password is not None:
        check_strength(password, email=email, name=name)
    try:
        with transaction.atomic():
            member = Member.objects.create(
                email=email,
                password="" if password is None else make_password(password),
                **values,
            )
            audit("member.add", member.public_id, changed({}, values | {"active": True}))
    except IntegrityError as taken:
        if "member_email_unique" not in str(taken):
            raise
        raise MemberExists(
            _("A member with this e-mail already exists. Change that member instead.")
        ) from taken
    return member


@transaction.atomic
def change_member(
    *, public_id: str, by: Principal | None, expected_version: int | None = None, **wanted: Any
) -> Member:
    """Change name, role, hubs, language or whether the member is active.

    A change of role, hubs or ``active`` ends all sessions. Locks: the active owners, then the
    member. Records: an audit entry. Raises: Invalid, LastOwner, NotFound, OwnersOnly, Stale.
    """
    unknown = set(wanted) - set(_SHOWN)
    if unknown:
        raise TypeError(f"change_member() does not take {sorted(unknown)}")
    if wanted.get("hubs") is not None:
        wanted["hubs"] = sorted(set(wanted["hubs"]))
    # Lock the owners first, in pk order: two owners who demote each other must not both succeed.
    owners = list(
        Member.objects.select_for_update().filter(role=Role.OWNER, active=True).order_by("pk")
    )
    member = _locked(public_id)
    if expected_version is not None and expected_version != member.version:
        raise Stale(
            _("Someone else changed this member. Reload it and make your change again."),
            data={"version": member.version},
        )
    before = {field: getattr(member, field) for field in _SHOWN}
    after = before | wanted
    _check(after)
    if before["role"] != after["role"] or member.role == Role.OWNER:
        _owners_only(by, member.role, after["role"])
    stays_owner = after["role"] == Role.OWNER and after["active"]
    if not stays_owner and [o.pk for o in owners] == [member.pk]:
        raise LastOwner(_("This is the last owner. Make another member an owner first."))
    changes = changed(before, after)
    if not changes:
        return member
    for field, (_was, value) in changes.items():
        setattr(member, field, value)
    member.version += 1
    if any(field in changes for field in _OF_ACCESS):
        end_access(member)
    member.save()
    audit("member.change", member.public_id, changes)
    return member


@transaction.atomic
def change_self(*, public_id: str, name: str | None = None, language: str | None = None) -> Member:
    """Change one's own name or language.

    Locks: the member. Records: an audit entry. Raises: Invalid, NotFound.
    """
    member = _locked(public_id)
    before = {"name": member.name, "language": member.language}
    after = dict(before)
    if name is not None:
        after["name"] = name.strip()
    if language is not None:
        after["language"] = language
    _check({**after, "role": member.role, "hubs": member.hubs})
    changes = changed(before, after)
    if changes:
        member.name, member.language = after["name"], after["language"]
        member.version += 1
        member.save()
        audit("member.change_self", member.public_id, changes)
    return member


@transaction.atomic
def end_sessions(*, public_id: str, by: Principal | None) -> None:
    """End all sessions and websockets of a member. Every member can do this for themselves.

    Locks: the member. Records: an audit entry. Raises: NotFound, OwnersOnly.
    """
    member = _locked(public_id)
    if by is None or by.public_id != public_id:
        _owners_only(by, member.role)
    end_access(member)
    member.save()
    audit("member.log_out_everywhere", member.public_id)


@transaction.atomic
def offer_password_link(*, public_id: str, by: Principal | None) -> Member:
    """Check and record that a set-password link is created for a member.

    Anybody with the link can sign in as the member, so only owners can create one for an owner.

    Locks: the member. Records: an audit entry. Raises: Conflict, NotFound, OwnersOnly.
    """
    member = _locked(public_id)
    _owners_only(by, member.role)
    if not member.active:
        raise Conflict(_("This member cannot sign in. Allow them to sign in first."))
    audit("member.offer_password_link", member.public_id)
    return member


def _locked(public_id: str) -> Member:
    member = Member.objects.select_for_update().filter(public_id=public_id).first()
    if member is None:
        raise unknown()
    return member


def _owners_only(by: Principal | None, *roles: str) -> None:
    if by is not None and by.role != Role.OWNER and Role.OWNER in roles:
        raise OwnersOnly(_("Only an owner can add, change or remove an owner. Ask an owner."))


def _check(values: dict[str, Any], *, email: str | None = None) -> None:
    problems = Problems()
    if email is not None:
        try:
            validate_email(email)
        except ValidationError:
            problems.add("/email", _("Enter a valid e-mail address."))
    if not 1 <= len(values["name"]) <= 120:
        problems.add("/name", _("Enter a name of 1 to 120 characters."))
    roles = [role.value for role in Role]
    if values["role"] not in roles:
        problems.add("/role", _("Choose one of: %(roles)s.") % {"roles": ", ".join(roles)})
    hubs = values["hubs"]
    if hubs is not None:
        if not hubs:
            problems.add("/hubs", _("Give at least one hub, or null for all hubs."))
        if any(not looks_like(hub, "hub") for hub in hubs):
            problems.add("/hubs", _("Give hubs by their IDs (hub_…)."))
        if values["role"] == Role.OWNER:
            problems.add("/hubs", _("An owner always has all hubs."))
    if values["language"] not in {"", *(code for code, _name in settings.LANGUAGES)}:
        problems.add("/language", _("This language is not available."))
    problems.raise_if_any()

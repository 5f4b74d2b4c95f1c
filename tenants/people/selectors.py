"""Who is who: principals from sessions and keys, and the lists that pages and API show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db.models import QuerySet

from lastmile.core.tenancy import current_schema
from lastmile.core.wiring import roll
from tenants.people import sessions
from tenants.people.models import ApiKey, AuditEntry, Member, PolicySection
from tenants.principals import Principal
from tenants.roles import Kind, Role
from tenants.sections import Section, from_stored, section_of

HOUSE = "house"


def principal_of_member(member: Member) -> Principal:
    """Return the principal that a member is."""
    return Principal(
        kind=Kind.MEMBER,
        public_id=member.public_id,
        name=member.name,
        role=member.role,
        hubs=None if member.hubs is None else frozenset(member.hubs),
        house=current_schema() == HOUSE,
    )


def principal_of_key(key: ApiKey) -> Principal:
    """Return the principal that a key is."""
    return Principal(
        kind=Kind.KEY,
        public_id=key.public_id,
        name=key.name,
        role=key.role,
        hubs=None if key.hubs is None else frozenset(key.hubs),
        house=current_schema() == HOUSE,
        ref=key.ref,
    )


def member_of_session(session: sessions.SessionStore) -> Member | None:
    """Return whose session this is, if it was made in this house and has not been ended."""
    public_id = session.get(sessions.MEMBER)
    if not public_id or session.get(sessions.SCHEMA) != current_schema():
        return None
    member = Member.objects.filter(public_id=public_id, active=True).first()
    if member is None or session.get(sessions.EPOCH) != member.session_epoch:
        return None
    return member


def hash_of(secret: str) -> str:
    """Return what is stored of a random secret: with 160 bits, no slow hash is needed."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def key_of_secret(secret: str) -> ApiKey | None:
    """Return the living key with this secret; keys of other houses are not even looked up."""
    head, _, body = secret.rpartition("_")
    if head != f"lm_{current_schema()}" or not body:
        return None
    key = ApiKey.objects.filter(secret_hash=hash_of(secret)).first()
    return key if key is not None and key.alive else None


_read: ContextVar[dict[tuple[str, str], tuple[Any, int]] | None] = ContextVar(
    "policies_read", default=None
)
P = TypeVar("P")


@contextmanager
def policies_read_once() -> Iterator[None]:
    """Keep what is read of the policy for the length of a request."""
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def forget_policies() -> None:
    """Read the policy from the database again: it has just been written."""
    kept = _read.get()
    if kept is not None:
        kept.clear()


def policy(section: type[P]) -> P:
    """Return what the retailer at hand has decided in a section, named by its dataclass.

    Raises
    ------
    NotWired
        The switchboard does not name the class.
    """
    found: P = versioned_policy(section_of(section))[0]
    return found


def versioned_policy(section: Section) -> tuple[Any, int]:
    """Return the policy of a section and its version, 0 for the defaults."""
    kept, key = _read.get(), (current_schema(), section.name)
    if kept is not None and key in kept:
        return kept[key]
    row = PolicySection.objects.filter(section=section.name).first()
    found = (from_stored(section, row.values), row.version) if row else (section.policy(), 0)
    if kept is not None:
        kept[key] = found
    return found


def members() -> QuerySet[Member]:
    """Return all members, the inactive too."""
    return Member.objects.all()


def first_owner() -> Member | None:
    """Return the owner who came first, None when there is none yet."""
    owners = Member.objects.filter(role=Role.OWNER, active=True)
    return owners.order_by("pk").first()


def hub_names() -> dict[str, str]:
    """Return public id -> name of the retailer's hubs, by name, as the switchboard's roll tells."""
    found: dict[str, str] = {}
    for _room, names in roll("HUB_NAMES"):
        found |= names()
    return dict(sorted(found.items(), key=lambda hub: (hub[1].casefold(), hub[0])))


def keys() -> QuerySet[ApiKey]:
    """Return all keys, the revoked too."""
    return ApiKey.objects.all()


def audit_entries(subject: str = "", actor: str = "") -> QuerySet[AuditEntry]:
    """Return the audit, of one subject or actor where named."""
    found = AuditEntry.objects.all()
    if subject:
        found = found.filter(subject=subject)
    return found.filter(actor=actor) if actor else found


def names_of(public_ids: set[str]) -> dict[str, str]:
    """Return what to call members and keys."""
    named = dict(Member.objects.filter(public_id__in=public_ids).values_list("public_id", "name"))
    named |= dict(ApiKey.objects.filter(public_id__in=public_ids).values_list("public_id", "name"))
    return named

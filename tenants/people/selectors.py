"""Principals from sessions and keys, settings, and the lists for pages and API."""

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
from tenants.people.models import ApiKey, AuditEntry, BrandImage, Member, PolicySection
from tenants.principals import Principal
from tenants.roles import KeyRole, Kind, Role
from tenants.sections import Section, from_stored, section_of

HOUSE = "house"
LONGEST_ORIGIN = 200


def principal_of_member(member: Member) -> Principal:
    """Return the principal of a member."""
    return Principal(
        kind=Kind.MEMBER,
        public_id=member.public_id,
        name=member.name,
        role=member.role,
        hubs=None if member.hubs is None else frozenset(member.hubs),
        house=current_schema() == HOUSE,
    )


def principal_of_key(key: ApiKey) -> Principal:
    """Return the principal of an API key."""
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
    """Return the member of a session, or None if it has ended or is from another retailer."""
    public_id = session.get(sessions.MEMBER)
    if not public_id or session.get(sessions.SCHEMA) != current_schema():
        return None
    member = Member.objects.filter(public_id=public_id, active=True).first()
    if member is None or session.get(sessions.EPOCH) != member.session_epoch:
        return None
    return member


def hash_of(secret: str) -> str:
    """Return the hash of a random secret. With 160 random bits, a fast hash is safe."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def key_of_secret(secret: str) -> ApiKey | None:
    """Return the valid API key with this secret, or None. Keys of other retailers are ignored."""
    head, _, body = secret.rpartition("_")
    if head != f"lm_{current_schema()}" or not body:
        return None
    key = ApiKey.objects.filter(secret_hash=hash_of(secret)).first()
    return key if key is not None and key.alive else None


def is_shop_origin(origin: str) -> bool:
    """Return True if an active checkout key has this origin. It is one query with an index."""
    if not origin or len(origin) > LONGEST_ORIGIN or "\x00" in origin:
        return False
    keys_of_shop = ApiKey.objects.filter(
        revoked_at__isnull=True, role=KeyRole.CHECKOUT, origins__contains=[origin.lower()]
    )
    return any(key.alive for key in keys_of_shop)


_read: ContextVar[dict[tuple[str, str], tuple[Any, int]] | None] = ContextVar(
    "policies_read", default=None
)
P = TypeVar("P")


@contextmanager
def policies_read_once() -> Iterator[None]:
    """Cache the settings during a request, so that each section is read once."""
    token = _read.set({})
    try:
        yield
    finally:
        _read.reset(token)


def forget_policies() -> None:
    """Clear the cached settings after a change."""
    cache = _read.get()
    if cache is not None:
        cache.clear()


def policy(section: type[P]) -> P:
    """Return the current retailer's settings of one section, given the dataclass of the section.

    Raises
    ------
    NotWired
        The switchboard does not name the class.
    """
    values: P = versioned_policy(section_of(section))[0]
    return values


def versioned_policy(section: Section) -> tuple[Any, int]:
    """Return the settings of a section and their version, which is 0 for the defaults."""
    cache, key = _read.get(), (current_schema(), section.name)
    if cache is not None and key in cache:
        return cache[key]
    row = PolicySection.objects.filter(section=section.name).first()
    result = (from_stored(section, row.values), row.version) if row else (section.policy(), 0)
    if cache is not None:
        cache[key] = result
    return result


def brand_image(digest: str) -> BrandImage | None:
    """Return the image of the brand with this SHA-256, or None."""
    return BrandImage.objects.filter(digest=digest).first()


def members() -> QuerySet[Member]:
    """Return all members, including inactive ones."""
    return Member.objects.all()


def first_owner() -> Member | None:
    """Return the oldest active owner, or None."""
    owners = Member.objects.filter(role=Role.OWNER, active=True)
    return owners.order_by("pk").first()


def hub_names() -> dict[str, str]:
    """Return the names of the retailer's hubs by public id, sorted by name."""
    names_by_id: dict[str, str] = {}
    for _app, names in roll("HUB_NAMES"):
        names_by_id |= names()
    return dict(sorted(names_by_id.items(), key=lambda hub: (hub[1].casefold(), hub[0])))


def keys() -> QuerySet[ApiKey]:
    """Return all API keys, including revoked ones."""
    return ApiKey.objects.all()


def audit_entries(subject: str = "", actor: str = "") -> QuerySet[AuditEntry]:
    """Return the audit entries, optionally of one subject or one actor."""
    entries = AuditEntry.objects.all()
    if subject:
        entries = entries.filter(subject=subject)
    return entries.filter(actor=actor) if actor else entries


def names_of(public_ids: set[str]) -> dict[str, str]:
    """Return the names of members and API keys by public id."""
    named = dict(Member.objects.filter(public_id__in=public_ids).values_list("public_id", "name"))
    named |= dict(ApiKey.objects.filter(public_id__in=public_ids).values_list("public_id", "name"))
    return named

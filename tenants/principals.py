"""Somebody who has been recognised, and what the table of permissions lets them do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from lastmile.core.errors import NotAllowed
from lastmile.core.refusals import unknown
from tenants.roles import TABLE, Act, Kind, granted

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who has been recognised, in one retailer.

    Parameters
    ----------
    kind : Kind
        Member, API key, or somebody who follows a secret link.
    public_id, name : str
        ``mbr_…``, ``key_…`` or the id of what the link is about, and what to call it.
    role : str
        A ``Role`` or ``KeyRole``, by kind; for links the name of the credential.
    hubs : frozenset of str, optional
        Public ids of the hubs it is limited to; None means all.
    house : bool
        Whether it belongs to the operator's own schema.
    ref : str
        For keys: the driver, bank or carrier that the key speaks for.
    """

    kind: Kind
    public_id: str
    name: str
    role: str
    hubs: frozenset[str] | None = None
    house: bool = False
    ref: str = ""

    @property
    def is_authenticated(self) -> bool:
        """DRF and templates ask this of a user."""
        return True

    @property
    def signed_in(self) -> bool:
        """Whether it is a member, who has an account and may sign out."""
        return self.kind == Kind.MEMBER

    def may(self, act: Act | str, hub: str | None = None) -> bool:
        """For templates: ``may`` with the principal first."""
        return may(self, Act(act), hub)


def may(principal: Principal | None, act: Act, hub: str | None = None) -> bool:
    """Tell whether a principal may do an act, at a hub (public id) when one is named."""
    if principal is None or not granted(principal.kind, principal.role, act):
        return False
    row = TABLE[act]
    if row.house and not principal.house:
        return False
    if principal.hubs is None:
        return True
    return not row.all_hubs and (hub is None or hub in principal.hubs)


def require(principal: Principal | None, act: Act, hub: str | None = None) -> None:
    """Pass, or raise.

    Raises
    ------
    NotAllowed
        The role has no tick for the act.
    NotFound
        The role may, but not at this hub: what lies outside one's hubs is unknown to one.
    """
    if may(principal, act, hub):
        return
    if hub is not None and may(principal, act):
        raise unknown()
    raise NotAllowed(
        _("Your role does not allow this. Ask an owner or manager.") % {"act": act.value},
        data={"act": act.value},
    )


def visible(
    principal: Principal | None, queryset: QuerySet[M], field: str = "hub__public_id"
) -> QuerySet[M]:
    """Return what lies in the principal's hubs; nothing for a stranger."""
    if principal is None:
        return queryset.none()
    if principal.hubs is None:
        return queryset
    return queryset.filter(**{f"{field}__in": principal.hubs})

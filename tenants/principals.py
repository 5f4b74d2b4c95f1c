"""The recognised caller, and the checks of the permission table for that caller."""

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
    """A recognised caller in one retailer: a member, a key, the reader of a link, or a device.

    Parameters
    ----------
    kind : Kind
        Member, API key, reader of a secret link, or phone of a driver.
    public_id, name : str
        ``mbr_…``, ``key_…``, ``drv_…`` or the id of the link's subject, and the name for display.
    role : str
        A ``Role`` for members, a ``KeyRole`` for keys, else the name of the credential.
    hubs : frozenset of str, optional
        Public ids of the hubs that the caller is limited to; None means all.
    house : bool
        True if the caller belongs to the operator's own schema.
    ref : str
        For keys: the id of the driver, locker bank or carrier on whose behalf the key acts.
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
        """Always True; DRF and templates read it."""
        return True

    @property
    def signed_in(self) -> bool:
        """True for a member, who has an account and can sign out."""
        return self.kind == Kind.MEMBER

    def may(self, act: Act | str, hub: str | None = None) -> bool:
        """Return True if the act is allowed; for use in templates."""
        return may(self, Act(act), hub)


def may(principal: Principal | None, act: Act, hub: str | None = None) -> bool:
    """Return True if a principal is allowed to do an act, at a hub if its public id is given."""
    if principal is None or not granted(principal.kind, principal.role, act):
        return False
    row = TABLE[act]
    if row.house and not principal.house:
        return False
    if principal.hubs is None:
        return True
    return not row.all_hubs and (hub is None or hub in principal.hubs)


def require(principal: Principal | None, act: Act, hub: str | None = None) -> None:
    """Raise an error unless a principal is allowed to do an act.

    Raises
    ------
    NotAllowed
        The role does not allow the act.
    NotFound
        The role allows the act, but not at this hub. Other hubs look as if they did not exist.
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
    """Return the rows in the principal's hubs; none without a principal."""
    if principal is None:
        return queryset.none()
    if principal.hubs is None:
        return queryset
    return queryset.filter(**{f"{field}__in": principal.hubs})

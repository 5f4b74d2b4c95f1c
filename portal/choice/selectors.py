"""Queries of delivery sessions and the offers that they showed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Avg, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from dispatch.orders.models import Order
from dispatch.slots.models import Choice, Hold
from dispatch.slots.states import ChoiceState, HoldState
from lastmile.core import clock
from lastmile.core.refusals import unknown
from lockers.models import LockerReservation
from portal.choice.models import Caller, DeliverySession, LockerHold, ShownOffer
from portal.choice.providers import provider_of_hold
from portal.choice.providers.base import HeldPlace
from portal.choice.states import LEFT
from tenants.permissions import KeyRole, Kind, Principal, visible

#: The reservations of a hold that serve its order, or did so until it was collected.
_SERVING: Final = LockerReservation.objects.filter(bundle=OuterRef("public_id")).exclude(
    state__in=[state.value for state in LEFT]
)


def sessions() -> QuerySet[DeliverySession]:
    """Return all sessions with hub, zone and order."""
    return DeliverySession.objects.select_related("hub", "zone", "order")


def sessions_of(principal: Principal | None) -> QuerySet[DeliverySession]:
    """Return the sessions that a caller may see and that have not expired.

    A checkout key, which anybody can read, sees only the sessions that it opened. Other callers
    see the sessions of their hubs.
    """
    rows = visible(principal, sessions()).filter(expires_at__gt=clock.now())
    if principal is not None and _is_public(principal):
        rows = rows.filter(caller=Caller.CHECKOUT, principal=principal.public_id)
    return rows


def offers_of(session: DeliverySession) -> QuerySet[ShownOffer]:
    """Return the offers of a session's last round, by rank."""
    return ShownOffer.objects.filter(session=session, round=session.round).order_by("rank")


def shown_offers() -> QuerySet[ShownOffer]:
    """Return the offers of the last round of every session."""
    return ShownOffer.objects.filter(round=F("session__round")).select_related("session")


def held_place(principal: Principal | None, hold: str) -> HeldPlace:
    """Return a hold that a caller may see.

    A checkout key sees only the holds of its own sessions, other callers those of their hubs.
    Raises: NotFound for every other hold.
    """
    held = None if "\x00" in hold else provider_of_hold(hold).find_hold(hold)
    if held is None or principal is None or not _may_see(principal, held):
        raise unknown()
    return held


def choices_of(principal: Principal | None) -> QuerySet[Choice]:
    """Return the choices that a caller may see: as ``held_place``."""
    rows = Choice.objects.select_related("hold__slot__hub", "order")
    if principal is None:
        return rows.none()
    own = sessions_of(principal).values("public_id")
    if _is_public(principal):
        return rows.filter(session__in=own)
    if principal.hubs is None:
        return rows
    hubs = list(principal.hubs)
    of_hubs = Q(hold__slot__hub__public_id__in=hubs)
    of_hubs |= Q(locker_hold__bank__hub__public_id__in=hubs)
    return rows.filter(of_hubs | Q(session__in=own))


def waiting_choice(session: DeliverySession) -> Choice | None:
    """Return the choice of a session that waits for the order and has not expired, or None."""
    rows = Choice.objects.select_related("hold__slot__hub", "order").filter(
        session=session.public_id, state=ChoiceState.WAITING, expires_at__gt=clock.now()
    )
    return rows.order_by("-pk").first()


def _may_see(principal: Principal, held: HeldPlace) -> bool:
    if _is_public(principal):
        return sessions_of(principal).filter(public_id=held.session).exists()
    return principal.hubs is None or held.hub in principal.hubs


def _is_public(principal: Principal) -> bool:
    return principal.kind == Kind.KEY and principal.role == KeyRole.CHECKOUT


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFigures:
    """The sessions in which an option was shown, and those in which it was chosen."""

    option: str
    shown: int
    chosen: int

    @property
    def conversion_percent(self) -> float | None:
        """The share of the sessions in which it was shown; None without any."""
        return 100 * self.chosen / self.shown if self.shown else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceFigures:
    """The choices of a period, and the grams and metres that green choices saved.

    ``sessions`` showed at least one offer, ``chosen`` ended with a choice, ``green`` with the green
    offer. A saving is the mean of all offers of the same list with known grams, less the chosen
    offer; it is None without a green choice.
    """

    options: tuple[OptionFigures, ...]
    sessions: int
    chosen: int
    green: int
    saved_g: int | None
    saved_m: int | None


def choice_figures(
    principal: Principal | None, since: dt.datetime, until: dt.datetime
) -> ChoiceFigures:
    """Return the figures of the sessions in [since, until) in the caller's hubs."""
    own = visible(principal, sessions()).filter(created_at__gte=since, created_at__lt=until)
    rows = ShownOffer.objects.filter(session__in=own.values("pk"))
    shown = dict(
        rows.values_list("option").annotate(n=Count("session", distinct=True)).order_by("option")
    )
    done = _still_chosen(rows)
    chosen = dict(
        done.values_list("option").annotate(n=Count("session", distinct=True)).order_by("option")
    )
    same_list = (
        ShownOffer.objects.filter(
            session=OuterRef("session"), round=OuterRef("round"), co2_g__isnull=False
        )
        .order_by()
        .values("session")
    )
    saved = (
        done.filter(green=True, co2_g__isnull=False)
        .annotate(
            mean_g=Subquery(same_list.annotate(mean=Avg("co2_g")).values("mean")),
            mean_m=Subquery(same_list.annotate(mean=Avg("added_m")).values("mean")),
        )
        .aggregate(
            n=Count("session", distinct=True),
            grams=Sum(F("mean_g") - F("co2_g")),
            metres=Sum(F("mean_m") - F("added_m")),
        )
    )
    return ChoiceFigures(
        options=tuple(
            OptionFigures(option=option, shown=n, chosen=chosen.get(option, 0))
            for option, n in shown.items()
        ),
        sessions=rows.values("session").distinct().count(),
        chosen=done.values("session").distinct().count(),
        green=saved["n"],
        saved_g=None if saved["grams"] is None else round(saved["grams"]),
        saved_m=None if saved["metres"] is None else round(saved["metres"]),
    )


def newest_choices(principal: Principal | None) -> QuerySet[ShownOffer]:
    """Return the offers that shoppers chose in the caller's hubs, with session and order."""
    own = visible(principal, sessions()).values("pk")
    rows = ShownOffer.objects.select_related("session__hub", "session__order")
    return _still_chosen(rows.filter(session__in=own))


def orders_of_choices(rows: Sequence[ShownOffer]) -> dict[int, Order]:
    """Return the orders of chosen offers, by pk of the offer, in two queries.

    A session that was opened for an order has it. The order of a checkout comes later and has the
    hold of the chosen offer.
    """
    names = [row.hold for row in rows]
    by_hold: dict[str, Order | None] = {}
    for model in (Hold, LockerHold):
        holds = model.objects.filter(public_id__in=names, order__isnull=False)
        by_hold |= {hold.public_id: hold.order for hold in holds.select_related("order")}
    by_offer = {row.pk: row.session.order or by_hold.get(row.hold) for row in rows}
    return {pk: order for pk, order in by_offer.items() if order is not None}


def _still_chosen(rows: QuerySet[ShownOffer]) -> QuerySet[ShownOffer]:
    """Return the offers that are chosen now: neither given back, nor expired without an order.

    An order can still use a choice that expired. Then its hold is promised and counts.
    """
    over = Q(state=HoldState.RELEASED) | (
        Q(state__in=[HoldState.LIVE, HoldState.KEPT]) & Q(expires_at__lte=clock.now())
    )
    ended = Hold.objects.filter(over, public_id=OuterRef("hold"))
    left = LockerHold.objects.filter(
        Q(released_at__isnull=False)
        | Q(order__isnull=True, choice__isnull=True)
        | Q(order__isnull=True, choice__expires_at__lte=clock.now())
        & ~Q(choice__state=ChoiceState.USED)
        | Q(order__isnull=False) & ~Exists(_SERVING),
        public_id=OuterRef("hold"),
    )
    return rows.filter(~Exists(ended), ~Exists(left), chosen_at__isnull=False)

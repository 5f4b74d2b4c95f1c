"""What people do to an order that stands: change it, call it off, try again, take it back."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet import values
from dispatch.fleet.models import Hub
from dispatch.orders.checking import ORDER_RULES, shopper_rules
from dispatch.orders.errors import MoveNotAllowed, OrderUnderWay
from dispatch.orders.events import CHANGED, OrderChangedFacts
from dispatch.orders.models import Cause, HubChoice, Order, Shopper
from dispatch.orders.services.moves import lock_order, move, rewrite
from dispatch.orders.services.placing import search_of
from dispatch.orders.states import ENDED, OPEN, OrderState
from lastmile.core.errors import Invalid
from lastmile.core.events import Lane, record
from lastmile.core.phones import region_of
from lastmile.core.tenancy import current_retailer


class OrderFields(TypedDict, total=False):
    """What a caller may change; ``shopper`` is merged into who stands there."""

    notes: str
    handover: str
    skills: list[str]
    service_s: int
    service_date: dt.date | None
    hub: Hub
    shopper: dict[str, str]


# What a plan was made with may change only before it; the rest until the order has ended.
_PLANNED_WITH = frozenset({"skills", "service_s", "service_date", "hub"})


def _date(raw: Any) -> dt.date | None:
    if raw is not None and (not isinstance(raw, dt.date) or not 2000 <= raw.year <= 2100):
        raise Invalid(_("This must be a date between the years 2000 and 2100."))
    return raw


def _hub(raw: Any) -> Hub:
    if not isinstance(raw, Hub) or not raw.active:
        raise Invalid(_("This hub is closed; choose another."))
    return raw


@transaction.atomic
def change_order(
    *, order: Order, version: int | None = None, **fields: Unpack[OrderFields]
) -> Order:
    """Change what is given of an order.

    Notes, handover wish and the shopper's contact may change until the order ends; what a plan is
    made with only while none holds it. A standing promise keeps the service date: promise another
    window to move it. Locks: the order. Records: order.changed, when something differs. Raises:
    Invalid, Stale, OrderUnderWay.
    """
    row = lock_order(order, version)
    said: dict[str, Any] = dict(fields)
    shopper = said.pop("shopper", None)
    rules = {name: ORDER_RULES[name] for name in ("notes", "handover", "skills")} | {
        "service_s": values.whole(0, 8 * 3600),
        "service_date": _date,
        "hub": _hub,
    }
    kept = values.clean(said, rules)
    changed = {name: value for name, value in kept.items() if getattr(row, name) != value}
    if shopper is not None:
        changed |= _shopper(row, shopper)
    if not changed:
        return row
    _refuse_late(row, changed)
    if "service_date" in changed and row.promise is not None:
        raise OrderUnderWay(
            _("A window is promised for this order; promise another window to move its day.")
        )
    if "hub" in changed:
        changed["hub_choice"] = HubChoice.GIVEN.value
    if "shopper" in changed:
        parcels = list(row.parcels.values("external_id", "barcode"))
        changed["search"] = search_of(row.external_id, changed["shopper"], row.place, parcels)
    rewrite(row, changed)
    names = sorted(set(changed) - {"search", "hub_choice"})
    record(CHANGED, OrderChangedFacts(changed=tuple(names)), subject=row.public_id)
    return row


def _refuse_late(row: Order, changed: dict[str, Any]) -> None:
    state = OrderState(row.state)
    late = sorted(_PLANNED_WITH & set(changed))
    if state in ENDED or (late and state not in OPEN):
        raise OrderUnderWay(
            _("The order is already %(state)s; %(fields)s cannot change any more.")
            % {"state": state.value, "fields": ", ".join(late) or _("this")},
            data={"order": row.public_id, "state": state.value},
        )


def _shopper(row: Order, said: dict[str, str]) -> dict[str, Shopper]:
    """A shopper's row is shared by orders and stays as it is: a change is another row."""
    zone = row.hub.zone if row.hub else current_retailer().zone
    rules = shopper_rules(region_of(zone))
    problem_path = {name: said[name] for name in rules if name in said}
    try:
        kept = values.clean(problem_path, rules)
    except Invalid as fault:
        raise Invalid(
            fault.detail,
            errors=[type(e)(f"/shopper{e.pointer}", e.detail, e.code) for e in fault.errors],
        ) from fault
    merged = {name: kept.get(name, getattr(row.shopper, name)) for name in rules}
    if all(getattr(row.shopper, name) == value for name, value in merged.items()):
        return {}
    same = Shopper.objects.filter(**merged).first() if merged["phone"] or merged["email"] else None
    return {"shopper": same or Shopper.objects.create(**merged)}


@transaction.atomic
def cancel_order(
    *, order: Order, cause: str = Cause.DISPATCHER, version: int | None = None
) -> Order:
    """Call an order off, until it lies in a vehicle. Cancelling twice changes nothing.

    Locks: the order. Records: order.cancelled. Raises: Stale, MoveNotAllowed once loaded.
    """
    row = lock_order(order, version)
    if row.state in {OrderState.LOADED, OrderState.OUT}:
        raise MoveNotAllowed(
            _("The order is in the vehicle; let the driver bring it back as a failed attempt."),
            data={"order": row.public_id, "state": row.state},
        )
    move([row], OrderState.CANCELLED, data={"cause": str(cause)}, lane=Lane.PERSON)
    return row


@transaction.atomic
def try_again(*, order: Order, service_date: dt.date | None = None) -> Order:
    """Put an order that failed or was not collected back to be planned, on another day if named.

    The promise that was not kept stays on record; promise a new window by ``set_promise``.
    Locks: the order. Records: order.ready. Raises: MoveNotAllowed, Invalid.
    """
    row = lock_order(order)
    if row.state not in {OrderState.FAILED, OrderState.AWAITING_COLLECTION}:
        raise MoveNotAllowed(
            _("The order is %(state)s; only one that failed or awaits collection is tried again.")
            % {"state": row.state},
            data={"order": row.public_id, "state": row.state},
        )
    date = _date(service_date) or row.service_date
    kept = row.promise
    moved_away = kept is not None and date != row.service_date
    also = {"service_date": date} | ({"promise": None} if moved_away else {})
    move([row], OrderState.READY, data={"service_date": date}, also=also)
    return row


@transaction.atomic
def return_order(*, order: Order) -> Order:
    """Say that what failed, was not collected or was picked up is back at its hub for good.

    Locks: the order. Records: order.returned. Raises: MoveNotAllowed.
    """
    row = lock_order(order)
    move([row], OrderState.RETURNED)
    return row

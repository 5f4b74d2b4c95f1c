"""Changes to an existing order: change its fields, cancel it, try it again, return it."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.fleet import values
from dispatch.fleet.models import Hub
from dispatch.orders.checking import ORDER_RULES, shopper_rules
from dispatch.orders.errors import MoveNotAllowed, OrderUnderWay, status_word
from dispatch.orders.events import CHANGED, OrderChangedFacts
from dispatch.orders.handovers import refuse_without_person
from dispatch.orders.models import Cause, HubChoice, Order, Shopper
from dispatch.orders.services.moves import lock_order, move, rewrite
from dispatch.orders.services.placing import search_of
from dispatch.orders.states import ENDED, OPEN, OrderState
from lastmile.core.errors import Invalid
from lastmile.core.events import Lane, record
from lastmile.core.phones import region_of
from lastmile.core.tenancy import current_retailer


class OrderFields(TypedDict, total=False):
    """The fields that a caller can change; fields of ``shopper`` that are not given stay."""

    notes: str
    handover: str
    least_age: int
    signature: bool
    skills: list[str]
    service_s: int
    service_date: dt.date | None
    hub: Hub
    shopper: dict[str, str]


# A plan depends on these fields, so they can change only while no plan contains the order. All
# other fields can change until the order has ended.
_PLAN_FIELDS = frozenset({"skills", "service_s", "service_date", "hub"})
_PLAIN_FIELDS = ("notes", "handover", "least_age", "signature", "skills")

_DEMANDS = frozenset({"handover", "least_age", "signature"})


def _date(raw: Any) -> dt.date | None:
    if raw is not None and (not isinstance(raw, dt.date) or not 2000 <= raw.year <= 2100):
        raise Invalid(_("This must be a date between the years 2000 and 2100."))
    return raw


def _hub(raw: Any) -> Hub:
    if not isinstance(raw, Hub) or not raw.active:
        raise Invalid(_("This hub is inactive. Choose another hub."))
    return raw


@transaction.atomic
def change_order(
    *, order: Order, version: int | None = None, **fields: Unpack[OrderFields]
) -> Order:
    """Change the given fields of an order.

    Notes, handover, age check, signature and the shopper's contact can change until the order has
    ended. The fields that a plan depends on can change only while no plan contains the order. An
    order with a promise keeps its service date; to change the date, promise a new window. Locks:
    the order. Records: order.changed if a value differs. Raises: Invalid, Stale, OrderUnderWay.
    """
    row = lock_order(order, version)
    order_fields: dict[str, Any] = dict(fields)
    shopper = order_fields.pop("shopper", None)
    rules = {name: ORDER_RULES[name] for name in _PLAIN_FIELDS} | {
        "service_s": values.whole(0, 8 * 3600),
        "service_date": _date,
        "hub": _hub,
    }
    cleaned = values.clean(order_fields, rules)
    changed = {name: value for name, value in cleaned.items() if getattr(row, name) != value}
    if shopper is not None:
        changed |= _shopper(row, shopper)
    if not changed:
        return row
    _refuse_late(row, changed)
    if "service_date" in changed and row.promise is not None:
        raise OrderUnderWay(
            _("A time window is promised for this order. To change the date, promise a new window.")
        )
    if "hub" in changed:
        changed["hub_choice"] = HubChoice.GIVEN.value
    if "shopper" in changed:
        parcels = list(row.parcels.values("external_id", "barcode"))
        changed["search"] = search_of(row.external_id, changed["shopper"], row.place, parcels)
    for name in _DEMANDS & set(changed):
        setattr(row, name, changed[name])
    if _DEMANDS & set(changed):
        refuse_without_person(row)
    rewrite(row, changed)
    names = sorted(set(changed) - {"search", "hub_choice"})
    record(CHANGED, OrderChangedFacts(changed=tuple(names)), subject=row.public_id)
    return row


def _refuse_late(row: Order, changed: dict[str, Any]) -> None:
    state = OrderState(row.state)
    late = sorted(_PLAN_FIELDS & set(changed))
    if state in ENDED or (late and state not in OPEN):
        if late:
            text = _("The order has the status “%(status)s”. These fields can no longer change: "
                     "%(fields)s.")  # fmt: skip
        else:
            text = _("The order has the status “%(status)s” and can no longer change.")
        raise OrderUnderWay(
            text % {"status": status_word(state.value), "fields": ", ".join(late)},
            data={"order": row.public_id, "state": state.value},
        )


def _shopper(row: Order, contact: dict[str, str]) -> dict[str, Shopper]:
    """Return the order's new shopper, or {} if no field differs.

    Orders share the rows of shoppers, so a row is never changed: other values need another row.
    """
    zone = row.hub.zone if row.hub else current_retailer().zone
    rules = shopper_rules(region_of(zone))
    known_fields = {name: contact[name] for name in rules if name in contact}
    try:
        cleaned = values.clean(known_fields, rules)
    except Invalid as fault:
        raise Invalid(
            fault.detail,
            errors=[type(e)(f"/shopper{e.pointer}", e.detail, e.code) for e in fault.errors],
        ) from fault
    merged = {name: cleaned.get(name, getattr(row.shopper, name)) for name in rules}
    if all(getattr(row.shopper, name) == value for name, value in merged.items()):
        return {}
    same = Shopper.objects.filter(**merged).first() if merged["phone"] or merged["email"] else None
    return {"shopper": same or Shopper.objects.create(**merged)}


@transaction.atomic
def cancel_order(
    *,
    order: Order,
    cause: str = Cause.DISPATCHER,
    reason: str = "",
    version: int | None = None,
) -> Order:
    """Cancel an order. Cancelling it twice changes nothing.

    ``reason`` is a word of the page where it was cancelled, such as ``too_late``.

    Locks: the order. Records: order.cancelled. Raises: Stale; MoveNotAllowed if the order is in
    the vehicle.
    """
    row = lock_order(order, version)
    if row.state in {OrderState.LOADED, OrderState.OUT}:
        raise MoveNotAllowed(
            _("The order is in the vehicle. Ask the driver to record a failed attempt."),
            data={"order": row.public_id, "state": row.state},
        )
    facts = {"cause": str(cause)} | ({"reason": reason} if reason else {})
    move([row], OrderState.CANCELLED, data=facts, lane=Lane.PERSON)
    return row


@transaction.atomic
def try_again(*, order: Order, service_date: dt.date | None = None) -> Order:
    """Make an order that failed or was not collected ready to be planned again.

    ``service_date`` None keeps the date. On another date the order has no current promise until
    ``set_promise`` gives a new one; the broken promise stays in the history. Locks: the order.
    Records: order.ready. Raises: MoveNotAllowed, Invalid.
    """
    row = lock_order(order)
    if row.state not in {OrderState.FAILED, OrderState.AWAITING_COLLECTION}:
        raise MoveNotAllowed(
            _("The order has the status “%(status)s”. You can try again only orders that failed "
              "or await collection.") % {"status": status_word(row.state)},
            data={"order": row.public_id, "state": row.state},
        )  # fmt: skip
    date = _date(service_date) or row.service_date
    other_date = row.promise is not None and date != row.service_date
    also = {"service_date": date} | ({"promise": None} if other_date else {})
    move([row], OrderState.READY, data={"service_date": date}, also=also)
    return row


@transaction.atomic
def return_order(*, order: Order) -> Order:
    """Mark an order as returned: it failed, was not collected or was picked up, and is at its hub.

    Locks: the order. Records: order.returned. Raises: MoveNotAllowed.
    """
    row = lock_order(order)
    move([row], OrderState.RETURNED)
    return row

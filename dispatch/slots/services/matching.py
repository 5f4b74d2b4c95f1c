"""Compares an order with the hold that was chosen for it, and a wish with its slot."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext as _

from dispatch.orders.models import Direction, Handover, Order
from dispatch.slots.errors import ChoiceDiffers
from dispatch.slots.models import Hold, Slot
from dispatch.slots.services.requests import DeliveryRequest
from dispatch.slots.services.visits import needs_visit
from lastmile.core import clock, formatting
from lastmile.core.errors import FieldProblem, Invalid, Problems
from lastmile.core.geo import Point, distance_m

#: Pins closer than this are the same door: a geocoder's and a shop's pin differ by it.
SAME_DOOR_M: Final = 100


def same_door(one: Point | None, other: Point | None) -> bool:
    """Return True if two points are so close that they mean the same door."""
    return one is not None and other is not None and distance_m(one, other) <= SAME_DOOR_M


def refuse_difference(order: Order, hold: Hold) -> None:
    """Raise ChoiceDiffers if an order is not the delivery that was chosen, with each difference.

    Lighter goods and fewer parcels are accepted.
    """
    problems = Problems()
    _compare_goods(order, hold, problems)
    _compare_place(order, hold, problems)
    date = clock.local_date(hold.slot.opens_at, hold.slot.hub.zone)
    if order.promise_id is None and order.service_date not in (None, date, hold.slot.service_date):
        problems.add(
            "/service_date",
            _("The chosen time window is on %(date)s. Leave the date out, or choose again.")
            % {"date": formatting.date(hold.slot.service_date)},
            "other_date",
        )
    if problems.entries:
        raise ChoiceDiffers(
            _("The order is not what the shopper chose. %(why)s")
            % {"why": " ".join(problem.detail for problem in problems.entries)},
            errors=tuple(problems.entries),
        )


def _compare_goods(order: Order, hold: Hold, problems: Problems) -> None:
    for name, text in (
        ("weight_g", _("The goods are heavier than in the checkout. Choose again with them.")),
        ("volume_cm3", _("The goods are larger than in the checkout. Choose again with them.")),
    ):
        if getattr(order, name) > getattr(hold, name):
            problems.add(f"/{name}", text, "larger")
    if order.service_s > hold.work_s:
        problems.add(
            "/service_s",
            _("The work at the door takes longer than in the checkout. Choose again with it."),
            "larger",
        )
    if order.parcel_count > hold.parcels:
        problems.add(
            "/parcels",
            _("The order has more parcels than in the checkout. Choose again with them."),
            "larger",
        )
    if set(order.skills) - set(hold.skills):
        problems.add(
            "/skills",
            _("The order needs skills that were not named in the checkout. Choose again."),
            "other_skills",
        )
    if (order.direction == Direction.RETURN) != hold.collects:
        problems.add(
            "/direction",
            _("A delivery was chosen for a return, or a return for a delivery. Choose again."),
            "other_direction",
        )


def _compare_place(order: Order, hold: Hold, problems: Problems) -> None:
    if order.hub_id is not None and order.hub_id != hold.slot.hub_id:
        problems.add(
            "/hub", _("The order names another hub than the checkout. Choose again."), "other_hub"
        )
    if not needs_visit(hold.slot):
        return
    if order.place.point is None:
        text = _("The address of the order is not on the map. Send the address of the checkout.")
        problems.entries.append(FieldProblem("/place", text, "address_unknown"))
    elif hold.point is not None and not same_door(order.place.point, hold.point):
        problems.add(
            "/place",
            _("The order goes to another address than the checkout. Choose again for it."),
            "other_address",
        )


def refuse_handover(slot: Slot, request: DeliveryRequest, handover: str) -> None:
    """Raise Invalid if a request for a slot cannot have this handover."""
    if handover not in {"", *Handover.values}:
        text = _("The handover must be attended or contactless.")
    elif handover == Handover.CONTACTLESS and not needs_visit(slot):
        text = _("Only a delivery to the door can be contactless. Choose an attended handover.")
    elif handover == Handover.CONTACTLESS and request.must_be_attended:
        text = _(
            "Somebody must take this order in person, because it needs a signature or an age "
            "check. Choose an attended handover."
        )
    else:
        return
    raise Invalid(text, errors=[FieldProblem("/handover", text)])

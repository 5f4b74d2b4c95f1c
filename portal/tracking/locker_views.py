"""The acts of a shopper whose order is in a locker: the code, more time, another locker."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.orders.models import Order
from dispatch.orders.selectors import orders
from dispatch.slots.services.leaving import refuse_too_late
from lastmile.core import clock, formatting
from lastmile.core.errors import DomainError
from lastmile.core.qr import QrCode, qr_code
from lastmile.core.refusals import unknown
from lockers import services
from lockers.errors import CodeNotValid
from lockers.models import LockerReservation
from lockers.states import BankState, CodeRole
from portal.shopper.pages import ShopperRequest, shopper_page
from portal.shopper.stepup import needs_step_up
from portal.tracking.lockers import NearLocker, card_of, lockers_of, near_lockers, spaced

READ_AND_ACT = require_http_methods(["GET", "HEAD", "POST"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownParcel:
    """The code of one parcel, its door, and until when it opens."""

    pin: str
    qr: QrCode
    box: str
    until: str


@shopper_page
@needs_step_up
@require_safe
def code(request: ShopperRequest, secret: str) -> HttpResponse:
    """Show the codes of the parcels that wait in the locker. They are in no other place."""
    rows = lockers_of(request.order)
    context = {
        "order": request.order,
        "secret": secret,
        "card": card_of(request.order, rows),
        "parcels": [shown for row in rows if (shown := _shown(row)) is not None],
    }
    return render(request, "tracking/locker_code.html", context)


def _shown(row: LockerReservation) -> ShownParcel | None:
    try:
        shown = services.show_code(reservation=row, role=CodeRole.SHOPPER)
    except CodeNotValid:
        return None
    return ShownParcel(
        pin=spaced(shown.pin),
        qr=qr_code(shown.token),
        box=row.compartment.number if row.compartment else "",
        until=formatting.day_and_time(shown.expires_at),
    )


@shopper_page
@needs_step_up
@READ_AND_ACT
def new_code(request: ShopperRequest, secret: str) -> HttpResponse:
    """Make new codes, because another person saw the old ones; a GET only goes to the codes.

    A cabinet without a connection would not hear of new codes, so the old ones stay.
    """
    if request.method == "POST":
        for row in lockers_of(request.order):
            if row.bank.state == BankState.ONLINE:
                services.rotate_codes(reservation=row)
        services.point_to_next_look()
    return _see("tracking:locker-code", secret)


@shopper_page
@READ_AND_ACT
def extend(request: ShopperRequest, secret: str) -> HttpResponse:
    """Keep the parcels in the locker for a day longer; a GET changes nothing."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("tracking:page", args=[secret]))
    try:
        services.extend_order(order=request.order)
    except DomainError as refused:
        return _refused(request, secret, refused)
    services.point_to_next_look()
    return _done(secret, "extended")


@shopper_page
@needs_step_up
@READ_AND_ACT
def other_bank(request: ShopperRequest, secret: str) -> HttpResponse:
    """Offer other lockers near the door while nothing is inside; a POST moves the order there."""
    order = request.order
    rows = lockers_of(order)
    card = card_of(order, rows)
    if card is None or not card.can_move:
        return HttpResponseRedirect(reverse("tracking:page", args=[secret]))
    near = near_lockers(order, rows)
    refused: DomainError | None = None
    if request.method == "POST":
        try:
            _move(order, near, request.POST.get("bank", ""))
            return _done(secret, "moved")
        except DomainError as fault:
            refused = fault
            order = orders().get(pk=order.pk)
            rows = lockers_of(order)
            near, card = near_lockers(order, rows), card_of(order, rows)
    context = {"order": order, "secret": secret, "card": card, "near": near, "refused": refused}
    status = 200 if refused is None else refused.status
    return render(request, "tracking/locker_move.html", context, status=status)


def _move(order: Order, near: list[NearLocker], public_id: str) -> None:
    refuse_too_late(order, clock.now())
    if not public_id:
        raise NothingChosen(_("Choose one of the lockers, then continue."))
    chosen = next((one.bank for one in near if one.bank.public_id == public_id), None)
    if chosen is None:
        raise unknown()
    services.move_order(order=order, bank=chosen)
    services.point_to_next_look()


class NothingChosen(DomainError):
    """The form was sent without a locker."""

    code = "nothing_chosen"
    status = 422


def _refused(request: ShopperRequest, secret: str, refused: DomainError) -> HttpResponse:
    rows = lockers_of(request.order)
    context = {
        "order": request.order,
        "secret": secret,
        "card": card_of(request.order, rows),
        "refused": refused,
    }
    return render(request, "tracking/locker_refused.html", context, status=refused.status)


def _see(name: str, secret: str) -> HttpResponse:
    return HttpResponse(status=303, headers={"Location": reverse(name, args=[secret])})


def _done(secret: str, what: str) -> HttpResponse:
    address = f"{reverse('tracking:page', args=[secret])}?done={what}#locker"
    return HttpResponse(status=303, headers={"Location": address})

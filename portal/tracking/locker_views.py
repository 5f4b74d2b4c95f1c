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
from dispatch.planning.errors import VisitNotPrepared
from lastmile.core import formatting
from lastmile.core.errors import DomainError, NotFound
from lastmile.core.qr import QrCode, qr_code
from lastmile.core.refusals import unknown
from lockers import services
from lockers.errors import CodeNotValid
from lockers.models import LockerReservation
from lockers.policy import locker_policy
from lockers.selectors import banks
from lockers.selectors.offers import deposit_by
from lockers.states import CodeRole, ReservationState
from portal.shopper.pages import ShopperRequest, shopper_page
from portal.shopper.stepup import needs_step_up
from portal.tracking.lockers import (
    NearLocker,
    card_of,
    lockers_of,
    near_lockers,
    spaced,
    terms_of,
)

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

    Only parcels that wait have codes of the shopper. A cabinet without a connection would not hear
    of new ones, so the old ones stay; a network makes its codes itself.
    """
    if request.method == "POST":
        rows = lockers_of(request.order)
        card = card_of(request.order, rows)
        if card is not None and card.has_new_code:
            for row in rows:
                if row.state == ReservationState.READY:
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
    chosen = request.POST.get("bank", "")
    if request.method == "POST" and any(row.bank.public_id == chosen for row in rows):
        return _done(secret, "moved")  # sent twice, or the page was an older one
    if card is None or not card.can_move:
        return HttpResponseRedirect(reverse("tracking:page", args=[secret]))
    near = near_lockers(order, rows)
    refused: DomainError | None = None
    if request.method == "POST":
        try:
            _move(order, near, chosen)
            return _done(secret, "moved")
        except NotFound:
            raise
        except DomainError as fault:
            refused = fault
            order = orders().get(pk=order.pk)
            rows = lockers_of(order)
            near, card = near_lockers(order, rows), card_of(order, rows)
    context = {"order": order, "secret": secret, "card": card, "near": near, "refused": refused}
    status = 200 if refused is None else refused.status
    return render(request, "tracking/locker_move.html", context, status=status)


def _move(order: Order, near: list[NearLocker], public_id: str) -> None:
    if not public_id:
        raise NothingChosen(_("Choose one of the lockers, then continue."))
    chosen = next((one.offer for one in near if one.bank.public_id == public_id), None)
    if chosen is None:
        if "\x00" in public_id or not banks().filter(public_id=public_id).exists():
            raise unknown()
        raise NoLongerOffered(_("This locker can no longer take your order. Choose another one."))
    for is_last in (False, True):
        try:
            services.move_order(
                order=order,
                bank=chosen.bank,
                terms=terms_of(order, chosen),
                deposit_by=deposit_by(chosen.closes_at, locker_policy()),
            )
            break
        except VisitNotPrepared:  # the order moved to another day at the same moment
            if is_last:
                raise
    services.point_to_next_look()


class NoLongerOffered(DomainError):
    """The locker was on the page, and has filled up or closed since."""

    code = "locker_gone"
    status = 409


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

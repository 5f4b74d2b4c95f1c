"""Other changes of an order: another address, instructions, cancelling, and a return."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.debug import sensitive_post_parameters

from dispatch.orders.handovers import needs_person
from dispatch.orders.links import shopper_secret
from dispatch.orders.models import AccessNote, Option, Order
from dispatch.orders.selectors import orders
from dispatch.orders.services import cancel_order
from dispatch.orders.states import OrderState
from dispatch.slots.errors import TooLate
from dispatch.slots.services import request_elsewhere
from lastmile.core.http.forms import apply_form, status_of, version_of
from portal.choice import services
from portal.choice.models import Caller, DeliverySession
from portal.choice.pages.choosing import READ_AND_ACT
from portal.choice.pages.forms import (
    AddressForm,
    CancelForm,
    HandoverForm,
    ReturnForm,
    present_instructions,
    way_of,
)
from portal.choice.pages.guarding import changes_trust
from portal.choice.pages.words import WAYS
from portal.choice.services.instructing import set_instructions
from portal.choice.services.returning import request_return
from portal.shopper.changes import Right, parcels_left, return_of, rights_of
from portal.shopper.pages import ShopperRequest, shopper_page
from portal.shopper.stepup import (
    forget_typed_of,
    is_confirmed,
    needs_step_up,
    to_step_up,
    typed_before,
)


@shopper_page
@needs_step_up
@READ_AND_ACT
def address(request: ShopperRequest, secret: str) -> HttpResponse:
    """Ask for another address; a POST opens a session with the options at that address."""
    right = rights_of(request.order).place
    typed = typed_before(request)
    form = AddressForm(request.POST if request.method == "POST" else None, initial=typed)

    def act() -> DeliverySession:
        _refuse(right)
        return _session_at(request.order, form)

    if request.method == "POST":
        session = apply_form(form, act)
        if isinstance(session, DeliverySession):
            there = _see(reverse("choosing:offers", args=[secret, session.public_id]))
            return forget_typed_of(there, request)
    return _page(request, secret, "address", {"form": form, "right": right, "typed": typed})


def _session_at(order: Order, form: AddressForm) -> DeliverySession:
    """Open a session for the order at the address of the form, outside any transaction."""
    there = request_elsewhere(order, form.draft())
    answer = services.ask_for_order(
        order=order, caller=Caller.SHOPPER, place=there.point, place_text=there.place_text
    )
    asker = services.Asker(caller=Caller.SHOPPER, principal=order.public_id)
    opened = services.open_session(
        answer=answer, asker=asker, language=get_language() or "", place=dict(form.cleaned_data)
    )
    services.leave_sessions(order=order, but=opened)
    return opened


@shopper_page
@sensitive_post_parameters("code")
@READ_AND_ACT
def instructions(request: ShopperRequest, secret: str) -> HttpResponse:
    """Change how the goods are handed over; a stored code is never shown."""
    order, right = request.order, rights_of(request.order).instructions
    seen = request.POST.get("version", "")
    note = AccessNote.objects.filter(order=order).first()
    typed = typed_before(request)
    initial = {"way": way_of(order, note), "text": note.text if note else ""} | typed
    posted = request.POST if request.method == "POST" else None
    form = HandoverForm(order, posted, initial=initial, has_code=bool(note and note.code))

    def act() -> Order:
        _refuse(right)
        handover, kind, _words = WAYS[form.cleaned_data["way"]]
        return set_instructions(
            order=order,
            handover=handover,
            kind=kind,
            text=form.cleaned_data["text"],
            code=form.cleaned_data["code"] or None,
            version=seen,
        )

    if request.method == "POST":
        guarded = form.is_valid() and changes_trust(
            order,
            note,
            way=form.cleaned_data["way"],
            text=form.cleaned_data["text"],
            code=form.cleaned_data["code"],
            collected=False,
        )
        if guarded and not is_confirmed(request):
            return to_step_up(request)
        if apply_form(form, act) is not None:
            return forget_typed_of(_done(secret, "instructions"), request)
    context = {
        "form": form,
        "right": right,
        "collected": order.promise is not None and order.promise.option != Option.WINDOW,
        "needs_person": needs_person(order),
        "typed": typed,
    }
    context |= present_instructions(order, seen or typed.get("version", ""))
    return _page(request, secret, "instructions", context)


@shopper_page
@READ_AND_ACT
def cancel(request: ShopperRequest, secret: str) -> HttpResponse:
    """Say what cancelling does, and cancel with a reason. Cancelling twice changes nothing."""
    order, right = request.order, rights_of(request.order).cancel
    form = CancelForm(request.POST if request.method == "POST" else None)
    if order.state == OrderState.CANCELLED:
        return _done(secret, "cancelled") if request.method == "POST" else _see(_home(secret))

    def act() -> Order:
        _refuse(right)
        return cancel_order(
            order=order,
            cause="shopper",
            reason=form.cleaned_data["reason"],
            version=version_of(request),
        )

    if request.method == "POST" and apply_form(form, act) is not None:
        return _done(secret, "cancelled")
    return _page(request, secret, "cancel", {"form": form, "right": right})


@shopper_page
@READ_AND_ACT
def give_back(request: ShopperRequest, secret: str) -> HttpResponse:
    """Request the pickup of a return; its shopper then chooses a time on the return's own page."""
    order, right = request.order, rights_of(request.order).give_back
    left = parcels_left(order)
    form = ReturnForm(order, left, request.POST if request.method == "POST" else None)
    present = return_of(order)

    def act() -> Order:
        return request_return(
            order=order,
            parcels=form.cleaned_data["parcels"],
            note=form.cleaned_data["note"],
        )

    if request.method == "POST":
        if present is not None:
            return _see(_home(shopper_secret(present)))
        placed = apply_form(form, act)
        if isinstance(placed, Order):
            return _see(reverse("choosing:start", args=[shopper_secret(placed)]))
    context = {"form": form, "right": right, "present": present, "one": len(left) == 1}
    return _page(request, secret, "return", context)


def _refuse(right: Right) -> None:
    """Raise TooLate with the sentence of a change that is not possible now."""
    if not right.possible:
        raise TooLate(str(right.why_not))


def _page(request: ShopperRequest, secret: str, name: str, context: dict[str, Any]) -> HttpResponse:
    form = context["form"]
    if form.is_bound:
        request.order = orders().get(pk=request.order.pk)
    context |= {"order": request.order, "secret": secret}
    return render(request, f"choosing/{name}.html", context, status=status_of(form))


def _home(secret: str) -> str:
    return reverse("tracking:page", args=[secret])


def _see(address: str) -> HttpResponse:
    """Send the reader to a page after a POST, so that a reload repeats nothing."""
    return HttpResponse(status=303, headers={"Location": address})


def _done(secret: str, what: str) -> HttpResponse:
    return _see(f"{_home(secret)}?done={what}")

"""Choosing a time: show the options, hold one, confirm it. Reading a page changes nothing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.forms import Form
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from dispatch.orders.models import AccessNote, Cause, Option, Order
from dispatch.orders.selectors import orders
from dispatch.orders.wording import (
    clock_words,
    text_line,
    time_line,
    zone_note,
)
from dispatch.planning.errors import VisitNotPrepared
from dispatch.slots.errors import AddressUnknown, OutsideEveryZone, TooLate
from dispatch.slots.policy import slots_policy
from lastmile.core import clock
from lastmile.core.errors import DomainError
from lastmile.core.geo import Point
from lastmile.core.refusals import unknown
from portal.choice import services
from portal.choice.errors import DayChanging
from portal.choice.models import Caller, DeliverySession, ShownOffer
from portal.choice.pages.banks import PROVIDER, bank_map, near_offers
from portal.choice.pages.forms import HandoverForm, present_instructions, way_of
from portal.choice.pages.guarding import changes_trust, is_of_session, moves_goods
from portal.choice.pages.showing import page_of
from portal.choice.pages.summary import last_number, summary_of
from portal.choice.pages.words import OPTIONS, WAYS
from portal.choice.providers import provider_of_hold
from portal.choice.providers.base import HeldPlace
from portal.choice.selectors import offers_of
from portal.choice.services.instructing import handover_of, set_instructions
from portal.shopper.changes import Rights, rights_of
from portal.shopper.pages import ShopperRequest, shopper_page
from portal.shopper.requesting import is_requested
from portal.shopper.stepup import forget_typed_of, is_confirmed, to_step_up, typed_before

READ_AND_ACT = require_http_methods(["GET", "HEAD", "POST"])
PROMISED = "promised"


@shopper_page
@READ_AND_ACT
def start(request: ShopperRequest, secret: str) -> HttpResponse:
    """Say what choosing does; the button computes the options and opens a session."""
    rights = rights_of(request.order)
    refused: DomainError | None = None
    if request.method == "POST":
        try:
            return _see(secret, "choosing:offers", _opened(request, rights).public_id)
        except DomainError as fault:
            refused = fault
    context = _context(request, secret, refused) | {
        "rights": rights,
        "lost": isinstance(refused, AddressUnknown | OutsideEveryZone),
        "requested": is_requested(request.order),
    }
    return render(request, "choosing/start.html", context, status=_status(refused))


def _opened(
    request: ShopperRequest, rights: Rights, last: DeliverySession | None = None
) -> DeliverySession:
    """Return a session with fresh offers for the order at its door, or at the place of ``last``.

    The last one is used again if it is fresh and asks what the order asks now. A new one still
    counts the places of the last one as the shopper's own, and then gives them back.
    """
    _refuse(rights, last)
    order, language = request.order, get_language() or ""
    earlier = last or _sessions(order).filter(place={}).order_by("-pk").first()
    if earlier and services.is_fresh(earlier) and services.is_current(earlier, order):
        return _renewed(earlier, language)
    place = earlier.place if earlier else {}
    answer = services.ask_for_order(
        order=order,
        caller=Caller.SHOPPER,
        place=Point(lat=earlier.lat, lon=earlier.lon) if earlier and place else None,
        place_text=earlier.place_text if earlier and place else "",
        earlier=earlier,
    )
    asker = services.Asker(caller=Caller.SHOPPER, principal=order.public_id)
    opened = services.open_session(answer=answer, asker=asker, language=language, place=place)
    services.leave_sessions(order=order, but=opened)
    return opened


def _renewed(session: DeliverySession, language: str) -> DeliverySession:
    """Return a session with fresh offers for the days from today on."""
    today = clock.local_date(clock.now(), session.hub.zone)
    until = today + dt.timedelta(days=slots_policy().days_ahead)
    answer = services.ask_again(session=session, since=today, until=until)
    return services.change_session(session=session, answer=answer, language=language).session


@shopper_page
@READ_AND_ACT
def offers(request: ShopperRequest, secret: str, session: str) -> HttpResponse:
    """Show the stored offers by day; a POST holds the chosen one or asks for fresh offers."""
    row = _session_of(request.order, session)
    if row is None:
        return _to(secret, "choosing:start")
    with timezone.override(row.hub.zone):  # another address can belong to another hub
        return _offers(request, secret, row)


def _offers(request: ShopperRequest, secret: str, row: DeliverySession) -> HttpResponse:
    session, refused = row.public_id, None
    if request.method == "POST":
        try:
            if request.POST.get("what") == "again":
                fresh = _opened(request, rights_of(request.order), row)
                return _see(secret, "choosing:offers", fresh.public_id)
            _hold(request.order, row, request.POST.get("offer", ""))
            return _see(secret, "choosing:confirm", session)
        except DomainError as fault:
            refused = fault
            row.refresh_from_db()
    option = request.GET.get("option", "")
    option = option if option in OPTIONS else ""
    shown = page_of(
        row,
        request.order,
        services.held_by(row),
        option=option,
        every_day=request.GET.get("days") == "all",
    )
    near = near_offers(row, refused)
    context = _context(request, secret, refused) | {
        "session": row,
        "page": shown,
        "bank_map": bank_map(row, shown.banks, secret),
        "option": option,
        "every_day": request.GET.get("days") == "all",
        "chosen": request.POST.get("offer", ""),
        "elsewhere": text_line(row.place_text) if row.place else "",
        "near": near,
        "near_banks": any(one.provider == PROVIDER for one in near),
        "ended": request.GET.get("ended") == "1",
        "asked_at": _asked_at(row),
        "zone_note": zone_note(request.order, row.hub.zone, clock.now()),
    }
    return render(request, "choosing/offers.html", context, status=_status(refused))


def _hold(order: Order, session: DeliverySession, offer: str) -> HeldPlace:
    _refuse(rights_of(order), session)
    if not offer:
        raise NothingChosen(_("Choose one of the times, then continue."))
    _refuse_other_question(session, order)
    return services.take_offer(session=session, offer=offer)  # the next page asks how


def _asked_at(session: DeliverySession) -> str:
    """Return when the offers of a session were found, with the day if that was not today."""
    shown_at = offers_of(session).values_list("shown_at", flat=True).first()
    at, zone = shown_at or session.updated_at, session.hub.zone
    is_today = clock.local_date(at, zone) == clock.local_date(clock.now(), zone)
    return clock_words(at) if is_today else time_line(at, zone)


def _refuse(rights: Rights, session: DeliverySession | None) -> None:
    """Raise TooLate with the sentence if no time can be chosen now, for the place of a session."""
    right = rights.place if session is not None and session.place else rights.time
    if not right.possible:
        raise TooLate(str(right.why_not))


class NothingChosen(DomainError):
    """The form was sent without a time."""

    code = "nothing_chosen"
    status = 422


@shopper_page
@sensitive_post_parameters("code")
@READ_AND_ACT
def confirm(request: ShopperRequest, secret: str, session: str) -> HttpResponse:
    """Show the held place with its price and place, and book it with a handover."""
    row = _session_of(request.order, session)
    if row is None:
        return _to(secret, "choosing:start")
    with timezone.override(row.hub.zone):
        return _confirm(request, secret, row)


def _confirm(request: ShopperRequest, secret: str, row: DeliverySession) -> HttpResponse:
    order = request.order
    held = _held(row, request.POST.get("hold", ""))
    if held is None or (held.state == PROMISED and request.method != "POST"):
        return _without_hold(order, row, secret)
    note = _note_for(order, row, held)
    typed = typed_before(request)
    initial = {"way": way_of(order, note), "text": note.text if note else ""} | typed
    has_code = bool(note and note.code)
    form: Form = HandoverForm(order, initial=initial, has_code=has_code)
    refused: DomainError | None = None
    seen = _Seen(
        number=request.POST.get("promise", ""), instructions=request.POST.get("version", "")
    )
    if request.method == "POST":
        if held.state == PROMISED and held.order == order.public_id:
            return _done(secret)  # the same form again
        form = HandoverForm(order, request.POST, has_code=has_code)
        at_door = held.option == Option.WINDOW
        if form.is_valid() or not at_door:
            way = form.cleaned_data.get("way", "attended") if at_door else ""
            moves = moves_goods(order, row, held)
            if (moves or _needs_code(order, form, way)) and not is_confirmed(request):
                return to_step_up(request)
            try:
                _refuse_other_question(row, order)
                _book(order, held, seen, way, form, keeps_code=note is not None)
                return forget_typed_of(_done(secret), request)
            except DomainError as fault:
                refused = fault
                request.order = orders().get(pk=order.pk)
    context = _context(request, secret, refused) | {
        "session": row,
        "held": held,
        "form": form,
        "typed": typed,
        "code_first": moves_goods(order, row, held) and not is_confirmed(request),
    }
    context |= summary_of(order, row, held)
    context["near"] = near = near_offers(row, refused)
    context["near_banks"] = any(one.provider == PROVIDER for one in near)
    context |= present_instructions(order, seen.instructions or typed.get("version", ""))
    status = 422 if refused is None and form.is_bound else _status(refused)
    return render(request, "choosing/confirm.html", context, status=status)


def _without_hold(order: Order, session: DeliverySession, secret: str) -> HttpResponse:
    """Send the reader on: to the page if this session's time is booked, else to the options."""
    chosen = ShownOffer.objects.filter(session=session, chosen_at__isnull=False).exists()
    if chosen and order.promise is not None:
        return _to(secret, "tracking:page")
    return HttpResponseRedirect(
        f"{reverse('choosing:offers', args=[secret, session.public_id])}?ended=1"
    )


def _held(session: DeliverySession, hold: str) -> HeldPlace | None:
    """Return the hold that a form names, or the newest place that the session holds now."""
    if hold and "\x00" not in hold:
        row = provider_of_hold(hold).find_hold(hold)
        if row is None or row.session != session.public_id:
            raise unknown()
        return row
    held = services.held_by(session)
    return held[-1] if held else None


def _note_for(order: Order, session: DeliverySession, held: HeldPlace) -> AccessNote | None:
    """Return the access note that goes on to hold: none for the door of another address."""
    if session.place and not is_of_session(order, session, held):
        return None
    return AccessNote.objects.filter(order=order).first()


def _needs_code(order: Order, form: Form, way: str) -> bool:
    """Return True if the instructions of the form need the code."""
    promise = order.promise
    return bool(way) and changes_trust(
        order,
        AccessNote.objects.filter(order=order).first(),
        way=way,
        text=form.cleaned_data.get("text", ""),
        code=form.cleaned_data.get("code", ""),
        collected=promise is not None and promise.option != Option.WINDOW,
    )


class AlreadyChanged(TooLate):
    """The order was changed after the page was shown."""

    code = "already_changed"


def _refuse_other_question(session: DeliverySession, order: Order) -> None:
    """Raise AlreadyChanged if the order's address or goods changed since the offers were asked."""
    if not services.is_current(session, order):
        raise _already_changed()


def _refuse_changed(shown: str, *numbers: int) -> None:
    """Raise AlreadyChanged if the number of the promise that the page showed is not among these."""
    if shown not in {str(number) for number in numbers}:
        raise _already_changed()


def _already_changed() -> AlreadyChanged:
    return AlreadyChanged(
        _("This order was already changed after you opened this page. Nothing was changed now.")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """The state that the page showed: the last promise and the version of the instructions."""

    number: str
    instructions: str


def _book(
    order: Order, held: HeldPlace, seen: _Seen, way: str, form: Form, *, keeps_code: bool
) -> None:
    """Promise the held place and store the way of handing over, in one transaction.

    If another promise was made or other instructions were stored since the page was shown,
    everything is rolled back.
    """
    _refuse_changed(seen.number, last_number(order))  # at once, before anything slow
    handover, kind, _words = WAYS[way] if way else ("", "", "")
    cause = Cause.SHOPPER if last_number(order) else Cause.CHOICE
    place = (order.place_id, order.place.lat, order.place.lon)
    handover_before = handover_of(order)

    @transaction.atomic
    def act(ready: services.ReadyChoice) -> None:
        promise = services.choose_for_order(
            order=order, ready=ready, handover=handover, cause=cause
        )
        now = orders().get(pk=order.pk).place  # the order is locked from here on
        if (now.pk, now.lat, now.lon) != place:
            raise _already_changed()
        _refuse_changed(seen.number, promise.number, promise.number - 1)
        if way:
            set_instructions(
                order=order,
                handover=handover,
                kind=kind,
                text=form.cleaned_data.get("text", ""),
                code=form.cleaned_data.get("code") or (None if keeps_code else ""),
                version=seen.instructions,
                handover_before=handover_before,
            )

    try:
        services.act_prepared(lambda: services.prepare_order_choice(order=order, held=held), act)
    except VisitNotPrepared as fault:
        raise DayChanging(fault.detail, data=fault.data) from fault


def _sessions(order: Order) -> Any:
    return DeliverySession.objects.select_related("hub", "zone", "order").filter(
        order=order, caller=Caller.SHOPPER, expires_at__gt=clock.now()
    )


def _session_of(order: Order, public_id: str) -> DeliverySession | None:
    """Return a session of this order that has not expired, or None."""
    if "\x00" in public_id:
        return None
    row: DeliverySession | None = _sessions(order).filter(public_id=public_id).first()
    return row


def _context(request: ShopperRequest, secret: str, refused: DomainError | None) -> dict[str, Any]:
    return {"order": request.order, "secret": secret, "refused": refused}


def _status(refused: DomainError | None) -> int:
    return refused.status if refused else 200


def _to(secret: str, name: str) -> HttpResponse:
    return HttpResponseRedirect(reverse(name, args=[secret]))


def _see(secret: str, name: str, *args: str) -> HttpResponse:
    """Send the reader to a page after a POST, so that a reload repeats nothing."""
    return HttpResponse(status=303, headers={"Location": reverse(name, args=[secret, *args])})


def _done(secret: str, what: str = "booked") -> HttpResponse:
    address = reverse("tracking:page", args=[secret])
    return HttpResponse(status=303, headers={"Location": f"{address}?done={what}"})

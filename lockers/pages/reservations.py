"""Pages of reservations: the search of support, one reservation, and all acts on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from lastmile.core.errors import DomainError
from lastmile.core.http import fetch, page_rows
from lastmile.core.http.forms import apply_form
from lockers import selectors
from lockers.models import LockerReservation
from lockers.pages import words
from lockers.pages.journal import CAUSES, journal_lines
from lockers.pages.support_forms import (
    ACTS,
    BankMoveForm,
    OpenForm,
    SettleForm,
    acts_on,
    limit_of,
)
from lockers.services import staff
from lockers.services.disputes import settle_dispute
from lockers.states import INSIDE, ReservationState
from tenants.permissions import Act, PageRequest, page

PAGE = 50
_NEWEST = ("-created_at", "-public_id")


@page(Act.LOCKERS_VIEW)
@require_safe
def reservations(request: PageRequest) -> HttpResponse:
    """Find reservations by order, telephone, name or bank; the newest first."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    matching = selectors.search_reservations(request.principal, text)
    rows, following = page_rows(request, matching, PAGE, order=_NEWEST)
    context = {
        "rows": [(row, words.state_word(row.state)) for row in rows],
        "next": following,
        "first": "cursor" not in request.GET,
        "q": text,
    }
    return render(request, "lockers/reservations.html", context)


@page(Act.LOCKERS_VIEW)
@require_safe
def disputes(request: PageRequest) -> HttpResponse:
    """Show the disputes that staff must settle, the oldest first."""
    bank = request.GET.get("bank", "")[:40].replace("\x00", "")
    waiting = selectors.disputes_of(request.principal)
    banks = selectors.banks_of(request.principal).filter(pk__in=waiting.values("bank"))
    shown = waiting.filter(bank__public_id=bank) if bank else waiting
    rows, following = page_rows(request, shown, PAGE, order=("created_at", "public_id"))
    last = selectors.last_disputes(rows)
    context = {
        "rows": [
            (
                row,
                last.get(row.pk),
                words.dispute_text(last[row.pk].cause if row.pk in last else ""),
            )
            for row in rows
        ],
        "next": following,
        "first": "cursor" not in request.GET,
        "banks": banks.order_by("name", "pk")[:200],
        "bank": bank,
    }
    return render(request, "lockers/disputes.html", context)


@page(Act.LOCKERS_VIEW)
@require_safe
def reservation(request: PageRequest, public_id: str) -> HttpResponse:
    """Show all that support needs about a reservation, with the acts that are possible now."""
    return _page(request, _fetch(request, public_id))


def _fetch(request: PageRequest, public_id: str) -> LockerReservation:
    return fetch(selectors.reservations_of(request.principal), public_id)


def _page(request: PageRequest, row: LockerReservation, **more: Any) -> HttpResponse:
    status = more.pop("status", 200)
    changes, following = page_rows(
        request, selectors.changes_of_reservation(row), PAGE, order=("-recorded_at", "-number")
    )
    disputed = selectors.last_disputes([row]).get(row.pk)
    context = {
        "row": row,
        "bank": row.bank,
        "word": words.state_word(row.state),
        "hint": words.state_hint(row.state),
        "is_inside": ReservationState(row.state) in INSIDE,
        "acts": acts_on(row, request.principal),
        "dispute": words.dispute_text(disputed.cause) if disputed else "",
        "codes": selectors.codes_that_may_open(row),
        "roles": words.ROLES,
        "commands": selectors.commands_about(row),
        "command_words": words.COMMANDS,
        "failures": words.FAILURES,
        "causes": CAUSES,
        "lines": journal_lines(changes),
        "next": following,
        "first": "cursor" not in request.GET,
        "settle": SettleForm(row),
    } | more
    with timezone.override(row.bank.zone):
        return render(request, "lockers/reservation.html", context, status=status)


@page(Act.LOCKERS_VIEW)
@require_safe
def commands(request: PageRequest, public_id: str) -> HttpResponse:
    """Show how the last commands for a reservation ended; the page asks until each has."""
    row = _fetch(request, public_id)
    context = {
        "row": row,
        "commands": selectors.commands_about(row),
        "command_words": words.COMMANDS,
        "failures": words.FAILURES,
    }
    with timezone.override(row.bank.zone):
        return render(request, "lockers/_commands.html", context)


@page(Act.LOCKERS_COMMAND)
@require_POST
def open_door(request: PageRequest, public_id: str) -> HttpResponse:
    """Send the cabinet the command to open the door of a reservation."""
    row = _fetch(request, public_id)
    form = OpenForm(row, request.POST)
    if not form.is_valid():
        return _page(request, row, problem=_("This form is invalid. Reload the page."), status=422)
    return _done(
        request, row, lambda: form.act(row),
        _("The command was sent. The answer of the cabinet is shown below."),
    )  # fmt: skip


@page(Act.LOCKERS_CODES)
@require_POST
def codes(request: PageRequest, public_id: str) -> HttpResponse:
    """Give new codes, or show the code that opens the door now. It is shown in this answer only."""
    row = _fetch(request, public_id)
    what = request.POST.get("what", "")
    try:
        if what != "show":
            staff.give_new_codes(reservation=row, delegated=what == "delegate")
            row = _fetch(request, public_id)
        shown = staff.reveal_code(reservation=row)
    except DomainError as refused:
        return _page(request, row, problem=refused.detail, status=refused.status)
    answer = _page(request, row, shown=shown, shown_role=words.ROLES[shown.role])
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@page(Act.LOCKERS_RESERVE)
@require_POST
def change(request: PageRequest, public_id: str) -> HttpResponse:
    """Do one of the other acts: the field ``what`` names it."""
    row = _fetch(request, public_id)
    what = request.POST.get("what", "")
    if what == "move_bank":
        return _move(request, row)
    if what not in ACTS:
        return _page(request, row, problem=_("This form is invalid. Reload the page."), status=422)
    form = ACTS[what].form(row, request.POST)
    if apply_form(form, lambda: form.act(row)):
        messages.success(request, str(ACTS[what].done))
        return redirect("lockers:reservation", row.public_id)
    return _page(request, row, problem=limit_of(form), status=422)


def _move(request: PageRequest, row: LockerReservation) -> HttpResponse:
    form = BankMoveForm(row, request.principal, request.POST)
    new = apply_form(form, lambda: form.act(row))
    if isinstance(new, LockerReservation):
        text = _("The reservation moved to %(bank)s.") % {"bank": new.bank.name}
        messages.success(request, text)
        return redirect("lockers:reservation", new.public_id)
    return _page(request, row, problem=limit_of(form), status=422)


@page(Act.LOCKERS_RESERVE)
@require_POST
def settle(request: PageRequest, public_id: str) -> HttpResponse:
    """Settle the dispute of a reservation."""
    row = _fetch(request, public_id)
    form = SettleForm(row, request.POST)
    if apply_form(form, lambda: settle_dispute(reservation=row, **form.cleaned_data)):
        messages.success(request, _("The dispute is settled."))
        return redirect("lockers:reservation", row.public_id)
    return _page(request, row, settle=form, status=422)


def _done(
    request: PageRequest, row: LockerReservation, act: Callable[[], Any], text: str
) -> HttpResponse:
    try:
        act()
    except DomainError as refused:
        return _page(request, row, problem=refused.detail, status=refused.status)
    messages.success(request, text)
    return redirect("lockers:reservation", row.public_id)

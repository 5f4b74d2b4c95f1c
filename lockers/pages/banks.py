"""Pages of banks: the list with its map, one bank, adding and changing one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from dispatch.fleet.selectors import hubs_of
from dispatch.fleet.selectors.street_maps import hub_marks, street_map_of
from lastmile.core import clock
from lastmile.core.http import fetch, page_rows
from lastmile.core.http.forms import apply_form, map_pointers, status_of, version_of
from lockers import selectors
from lockers.models import LockerBank
from lockers.pages import words
from lockers.pages.forms import BankForm
from lockers.pages.journal import journal_lines
from lockers.services.banks import add_bank, change_bank
from lockers.states import BankState
from tenants.permissions import Act, PageRequest, page

PAGE = 50
MOST_ON_MAP = 5_000
BY_NAME = ("name", "public_id")
_POINTERS = {"most_weight_g": "most_weight_kg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BankRow:
    """A bank as a row of the list."""

    bank: LockerBank
    classes: list[selectors.Occupancy]
    total: selectors.Occupancy
    hours: selectors.HoursWords


@page(Act.LOCKERS_VIEW)
@require_safe
def banks(request: PageRequest) -> HttpResponse:
    """Show the banks by name, with what is free in them, and the map."""
    principal = request.principal
    shown = selectors.banks_of(principal)
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    matching = shown.filter(name__icontains=text) if text else shown
    rows, following = page_rows(request, matching, PAGE, order=BY_NAME)
    counts = selectors.occupancy_of(rows)
    context = {
        "rows": [_row(bank, counts.get(bank.pk, [])) for bank in rows],
        "next": following,
        "first": "cursor" not in request.GET,
        "q": text,
        "kinds": words.KINDS,
        "has_hub": hubs_of(principal).filter(active=True).exists(),
        "street_map": street_map_of(hubs_of(principal)),
    }
    return render(request, "lockers/banks.html", context)


def _row(bank: LockerBank, classes: list[selectors.Occupancy]) -> BankRow:
    return BankRow(
        bank=bank,
        classes=classes,
        total=selectors.in_all(classes),
        hours=selectors.hours_in_words(bank),
    )


@page(Act.LOCKERS_VIEW)
@require_safe
def banks_map(request: PageRequest) -> JsonResponse:
    """Return the active banks in the form that the map module reads; 5,000 at most."""
    rows = list(
        selectors.banks_of(request.principal).filter(active=True).order_by(*BY_NAME)[:MOST_ON_MAP]
    )
    counts = selectors.occupancy_of(rows)
    stops = [
        {
            "id": bank.public_id, "lon": bank.lon, "lat": bank.lat, "label": bank.name,
            "state": _map_state(bank, selectors.in_all(counts.get(bank.pk, []))),
        }
        for bank in rows
    ]  # fmt: skip
    hubs = hub_marks(hubs_of(request.principal).filter(active=True))
    return JsonResponse({"routes": [], "stops": stops, "hubs": hubs})


def _map_state(bank: LockerBank, total: selectors.Occupancy) -> str:
    if bank.state == BankState.OFFLINE:
        return "failed"
    is_full = bool(total.total) and not total.free
    return "at_risk" if is_full or bank.state == BankState.DEGRADED else "done"


@page(Act.LOCKERS_EDIT)
@require_http_methods(["GET", "POST"])
def new_bank(request: PageRequest) -> HttpResponse:
    """Add a bank."""
    form = BankForm(request.principal, None, request.POST or None)
    bank = apply_form(form, map_pointers(lambda: add_bank(draft=form.draft()), _POINTERS))
    if isinstance(bank, LockerBank):
        messages.success(request, _("%(name)s was added.") % {"name": bank.name})
        return redirect("lockers:doors", bank.public_id)
    return _form_page(request, form, None)


@page(Act.LOCKERS_VIEW, post=Act.LOCKERS_EDIT)
@require_http_methods(["GET", "POST"])
def edit_bank(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the form of a bank; POST changes it."""
    bank = fetch(selectors.banks_of(request.principal), public_id)
    form = BankForm(request.principal, bank, request.POST or None)
    version = version_of(request)
    act = map_pointers(
        lambda: change_bank(
            bank=bank, draft=form.draft(), active=form.cleaned_data["active"], version=version
        ),
        _POINTERS,
    )
    if apply_form(form, act):
        messages.success(request, _("Saved."))
        return redirect("lockers:bank", bank.public_id)
    return _form_page(request, form, bank)


def _form_page(request: PageRequest, form: BankForm, bank: LockerBank | None) -> HttpResponse:
    principal = request.principal
    hubs = hubs_of(principal).filter(active=True)
    first = bank.hub if bank else hubs.first()
    context = {
        "form": form,
        "bank": bank,
        "may_edit": principal.may(Act.LOCKERS_EDIT),
        "has_hub": first is not None,
        "street_map": street_map_of([first] if first else []),
        "center": f"{first.lon},{first.lat}" if first else "",
    }
    return render(request, "lockers/bank_form.html", context, status=status_of(form))


@page(Act.LOCKERS_VIEW)
@require_safe
def bank_page(request: PageRequest, public_id: str) -> HttpResponse:
    """Show a bank: its doors by column, what is kept in them, its hours, and its journal."""
    bank = fetch(selectors.banks_of(request.principal), public_id)
    changes, following = page_rows(
        request, selectors.changes_of(bank), PAGE, order=("-recorded_at", "-number")
    )
    boxes = selectors.doors_of(bank)
    classes = selectors.occupancy_of([bank]).get(bank.pk, [])
    context: dict[str, Any] = {
        "bank": bank,
        "row": _row(bank, classes),
        "columns": boxes,
        "dwell_s": selectors.mean_dwell_s(bank),
        "reservations": [
            (row, words.RESERVATIONS.get(row.state, row.state))
            for row in selectors.live_reservations(bank)
        ],
        "long_inside": [
            (row, words.state_word(row.state), (clock.now() - row.deposited_at).total_seconds())
            for row in selectors.long_inside(bank)
            if row.deposited_at is not None
        ],
        "misuse": selectors.misuse_of(bank),
        "misuse_days": selectors.MISUSE_DAYS,
        "forecast": selectors.forecast_of(bank, classes),
        "horizons": selectors.HORIZONS_H,
        "lines": journal_lines(changes),
        "next": following,
        "first": "cursor" not in request.GET,
        "device": bank.devices.first(),
        "kinds": words.KINDS,
        "capabilities": [words.CAPABILITIES.get(name, name) for name in bank.capabilities],
        "boxes": words.BOXES,
        "doors": words.DOORS,
        "may_edit": request.principal.may(Act.LOCKERS_EDIT),
    }
    return render(request, "lockers/bank.html", context)

"""The page of a counter: scan in, shelf, scan out."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_http_methods

from lastmile.core.http import fetch, page_rows
from lockers import selectors
from lockers.counter.steps import Step, act
from lockers.states import BankKind
from tenants.permissions import Act, PageRequest, page

PAGE = 50
#: State of a reservation -> word, as on the page of a bank.
STATES = {
    "queued": pgettext_lazy("reservation", "Waits for a compartment"),
    "soft_held": pgettext_lazy("reservation", "Held for a checkout"),
    "hard_held": pgettext_lazy("reservation", "Reserved"),
    "awaiting_deposit": pgettext_lazy("reservation", "On its way"),
    "deposited": pgettext_lazy("reservation", "Deposited"),
    "ready": pgettext_lazy("reservation", "Ready to collect"),
    "collect_expired": pgettext_lazy("reservation", "Not collected in time"),
    "courier_to_collect": pgettext_lazy("reservation", "A courier takes it out"),
    "blocked": pgettext_lazy("reservation", "Door does not open"),
    "disputed": pgettext_lazy("reservation", "Disputed"),
}
PURPOSES = {"return": _("Return"), "c2c": _("Sent by a shopper")}


@page(Act.LOCKERS_COUNTER)
@require_http_methods(["GET", "POST"])
def counter(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the counter: the field for the scanner, and the parcels; POST does the next step."""
    bank = fetch(selectors.banks_of(request.principal), public_id)
    if bank.kind != BankKind.COUNTER:
        raise Http404
    step = act(request, bank) if request.method == "POST" else Step()
    is_expected = request.GET.get("show") == "expected"
    text = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    parcels = selectors.at_counter(bank, inside=not is_expected, text=text)
    order = ("deposit_by", "public_id") if is_expected else ("deposited_at", "public_id")
    rows, following = page_rows(request, parcels, PAGE, order=order)
    context = {
        "bank": bank,
        "step": step,
        "rows": rows,
        "next": following,
        "first": "cursor" not in request.GET,
        "q": text,
        "is_expected": is_expected,
        "states": STATES,
        "purposes": PURPOSES,
    }
    status = 409 if step.tone == "failed" else 200
    return render(request, "lockers/counter.html", context, status=status)

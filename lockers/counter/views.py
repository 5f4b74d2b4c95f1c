"""The page of a counter: scan in, shelf, scan out."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from lastmile.core.http import fetch, page_rows
from lockers import selectors
from lockers.counter.steps import Step, act
from lockers.states import BankKind
from lockers.words import RESERVATIONS
from tenants.permissions import Act, PageRequest, page

PAGE = 50
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
        "states": RESERVATIONS,
        "purposes": PURPOSES,
    }
    status = 409 if step.tone == "failed" else 200
    return render(request, "lockers/counter.html", context, status=status)

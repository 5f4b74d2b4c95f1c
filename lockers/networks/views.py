"""Pages of the accounts at networks: set up, test, read the points, and what staff must look at."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from lastmile.core.errors import DomainError
from lastmile.core.http import page_rows
from lastmile.core.http.forms import apply_form, map_pointers, status_of, version_of
from lastmile.core.jobs import enqueue
from lastmile.core.limits import CallLimit, count_call
from lastmile.core.tenancy import current_retailer
from lockers.models import LockerAccount, VendorReservation
from lockers.services import accounts as services
from lockers.services.vendor_following import POINTS
from lockers.vendors.registry import ADAPTERS
from tenants.permissions import Act, PageRequest, page

PAGE = 50
NAMES = {"inpost": "InPost"}
_COUNTRIES = (("PL", gettext_lazy("Poland")), ("IT", gettext_lazy("Italy")))
_KEPT = gettext_lazy("Stored and sealed. Leave it empty to keep it.")


class InPostForm(forms.Form):
    """The account at InPost."""

    organization = forms.CharField(
        label=gettext_lazy("ID of the organisation"),
        max_length=19,
        help_text=gettext_lazy("The number in the address of your InPost manager."),
    )
    country = forms.ChoiceField(label=gettext_lazy("Country"), choices=_COUNTRIES)
    is_sandbox = forms.BooleanField(
        label=gettext_lazy("This is the test environment (sandbox)"), required=False
    )
    token = forms.CharField(
        label=gettext_lazy("Token"),
        max_length=2_000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    call_secret = forms.CharField(
        label=gettext_lazy("Secret of their calls to you"),
        max_length=200,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    is_on = forms.BooleanField(
        label=gettext_lazy("Use this account: reservations at its points are made there"),
        required=False,
    )

    def __init__(self, account: LockerAccount | None, data: Any = None) -> None:
        initial = {} if account is None else {**account.facts, "is_on": account.is_on}
        super().__init__(data, initial=initial)
        secrets = account.secrets if account is not None else {}
        for name, stored in (("token", "token"), ("call_secret", "calls")):
            if secrets.get(stored):
                self.fields[name].help_text = str(_KEPT)

    def values(self) -> dict[str, Any]:
        """Return the arguments of the service."""
        clean = self.cleaned_data
        return {
            "facts": {name: clean[name] for name in ("organization", "country", "is_sandbox")},
            "token": clean["token"],
            "call_secret": clean["call_secret"],
            "is_on": clean["is_on"],
        }


@page(Act.LOCKERS_ACCOUNTS)
@require_safe
def networks(request: PageRequest) -> HttpResponse:
    """Show the networks, and the reservations there that staff must look at."""
    accounts = {row.vendor: row for row in LockerAccount.objects.all()}
    waiting = VendorReservation.objects.filter(attention=True).select_related(
        "account", "reservation__bank", "reservation__order"
    )
    rows, following = page_rows(request, waiting, PAGE, order=("made_at", "public_id"))
    context = {
        "networks": [(name, NAMES.get(name, name), accounts.get(name)) for name in ADAPTERS],
        "names": NAMES,
        "rows": rows,
        "next": following,
        "first": "cursor" not in request.GET,
    }
    return render(request, "lockers/networks.html", context)


@page(Act.LOCKERS_ACCOUNTS)
@require_http_methods(["GET", "POST"])
def network(request: PageRequest, vendor: str) -> HttpResponse:
    """Show the form of an account; POST stores it."""
    account = _account(vendor)
    form = InPostForm(account, request.POST or None)
    version = version_of(request)
    act = map_pointers(
        lambda: services.put_account(vendor=vendor, version=version, **form.values()), {}
    )
    if apply_form(form, act):
        messages.success(request, _("Saved. Test the account now."))
        return redirect("lockers:network", vendor)
    context = {
        "vendor": vendor,
        "name": NAMES.get(vendor, vendor),
        "account": account,
        "form": form,
        "callback": f"https://{current_retailer().domain}/callbacks/{vendor}/",
    }
    return render(request, "lockers/network.html", context, status=status_of(form))


@page(Act.LOCKERS_ACCOUNTS)
@require_POST
def test(request: PageRequest, vendor: str) -> HttpResponse:
    """Ask the network something harmless that needs the token, and tell the answer."""
    account = _account(vendor)
    if account is None:
        raise Http404
    try:
        count_call([CallLimit(scope="locker.account_test", subject=vendor, most=10, per_s=600)])
        services.try_account(account=account)
    except DomainError as refused:
        messages.error(request, str(refused.detail))
    else:
        messages.success(request, _("The network answered, and the token is right."))
    return redirect("lockers:network", vendor)


@page(Act.LOCKERS_ACCOUNTS)
@require_POST
def points(request: PageRequest, vendor: str) -> HttpResponse:
    """Read the points of the network in the background."""
    account = _account(vendor)
    if account is None:
        raise Http404
    enqueue(POINTS, subject=account.public_id, dedupe_key=f"{POINTS}:{account.public_id}")
    messages.success(
        request, _("The points are being read. Refused ones are listed on the page of the import.")
    )
    return redirect("lockers:imports")


def _account(vendor: str) -> LockerAccount | None:
    if vendor not in ADAPTERS:
        raise Http404
    return LockerAccount.objects.filter(vendor=vendor).first()

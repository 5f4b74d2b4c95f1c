"""The page of a driver's phones: log a phone in, see when each was used, and revoke one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from dispatch.fleet import selectors
from dispatch.fleet.models import Driver
from dispatch.live import services
from dispatch.live.selectors import devices_of
from dispatch.live.words import problem_text
from lastmile.core.errors import DomainError
from lastmile.core.http import fetch, page_rows
from lastmile.core.qr import qr_code
from tenants.links import absolute
from tenants.permissions import Act, PageRequest, page, visible

PAGE = 50
NEWEST = ("-made_at", "public_id")
#: The rest of the address as OsmAnd's "Online tracking" fills it in.
OSMAND_QUERY: Final = "&lat={0}&lon={1}&timestamp={2}&hdop={3}&altitude={4}&speed={5}&bearing={6}"
#: Why positions of a device are refused, for the dispatcher's list of phones.
_REFUSALS: Final[Mapping[str, str | Promise]] = {
    "key_ended": gettext_lazy(
        "It still calls an address that was logged out or has expired. Enter a new one."
    ),
    "position_malformed": gettext_lazy(
        "Its positions have a form that is not known here. Update the GPS app."
    ),
    "position_time_missing": gettext_lazy(
        "Its positions have no time. Check the address in the GPS app."
    ),
    "position_id_missing": gettext_lazy("Its positions have no ID. Update the app."),
    "position_field_unknown": gettext_lazy(
        "Its positions have a field that is not known. Update the app."
    ),
    "position_vehicle_unknown": gettext_lazy("Its positions name a vehicle that is not known."),
}


def _driver(request: PageRequest, public_id: str) -> Driver:
    rows: QuerySet[Driver] = visible(request.principal, selectors.drivers(), "hub__public_id")
    return fetch(rows, public_id)


def _refusal(code: str) -> str | Promise:
    """Return why something that a device sent was refused, for a dispatcher."""
    return _REFUSALS.get(code) or problem_text(code)


@page(Act.DEVICES_VIEW, post=Act.DEVICES_EDIT)
@require_http_methods(["GET", "POST"])
def phones(request: PageRequest, public_id: str) -> HttpResponse:
    """Show the phones of a driver; POST makes a log-in link, which only its answer shows.

    With ``what=tracker`` it makes the address of a GPS app instead.
    """
    driver = _driver(request, public_id)
    new, tracker, fault = None, None, None
    if request.method == "POST":
        try:
            if request.POST.get("what") == "tracker":
                tracker = services.add_tracker(driver=driver, name=_("GPS app"))
            else:
                new = services.make_login_link(driver=driver)
        except DomainError as refused:
            fault = refused
    rows, following = page_rows(request, devices_of(driver), PAGE, order=NEWEST)
    for row in rows:
        row.refusal = _refusal(row.refused_code)  # type: ignore[attr-defined]
    link = absolute(reverse("driver:login-link", args=[new.secret])) if new else ""
    context = {
        "driver": driver,
        "rows": rows,
        "next": following,
        "first": "cursor" not in request.GET,
        "new": new,
        "link": link,
        "qr_code": qr_code(link) if link else None,
        "code_link": absolute(reverse("driver:login")),
        "tracker": tracker,
        "tracker_address": absolute(reverse("gps:take")) if tracker else "",
        "osmand_query": OSMAND_QUERY,
        "fault": fault,
        "works_offline": settings.PUBLIC_SCHEME == "https" or settings.BASE_DOMAIN == "localhost",
        "may_edit": request.principal.may(Act.DEVICES_EDIT),
    }
    response = render(request, "console/fleet/phones.html", context, status=422 if fault else 200)
    response.headers["Cache-Control"] = "private, no-store"
    return response


@page(Act.DEVICES_EDIT)
@require_POST
def revoke(request: PageRequest, public_id: str, device: str) -> HttpResponse:
    """End the log-in of one phone of a driver. A second call changes nothing."""
    driver = _driver(request, public_id)
    services.revoke_device(device=fetch(devices_of(driver), device))
    messages.success(request, _("The phone was logged out. What it has not sent is kept on it."))
    return redirect("fleet:phones", public_id)

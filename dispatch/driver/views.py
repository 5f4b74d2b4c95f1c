"""The app's shell, which has no personal data, and the data of the driver who is logged in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from dispatch.driver import parts
from dispatch.driver.guards import DeviceRequest, device_data, direct_calls, reader_language
from dispatch.driver.streets import streets_of
from dispatch.driver.words import page_texts
from dispatch.live.acts import read_act
from dispatch.live.day import as_json, etag_of
from dispatch.live.errors import OtherDriver
from dispatch.live.phone_time import read_phone_time
from dispatch.live.selectors import day_of, parcel_of_label
from dispatch.live.services import (
    look_at_code,
    note_device_told,
    sign_out_device,
    take_acts,
)
from dispatch.live.words import REASONS
from lastmile.core import clock
from lastmile.core.actor import acting_as
from lastmile.core.errors import Invalid
from lastmile.core.http.parsing import strict_json
from lastmile.core.tenancy import current_retailer
from tenants.permissions import Act, open_to_all

LARGEST_BODY = 256 * 1024
MOST_ACTS = 50


@open_to_all("the app without any data; it is stored on phones")
@require_safe
def shell(request: HttpRequest) -> HttpResponse:
    """Show the app. It is the same for every driver, so it has no token, message or name."""
    with translation.override(reader_language(request)):
        context = {
            "texts": page_texts(),
            "parts": parts.for_page(),
            "photos": reverse("driver:photo", args=["0"]).removesuffix("0/"),
            "language_cookie": settings.SHOPPER_LANGUAGE_COOKIE,
            "csrf_token": "",
            "messages": (),
            "principal": None,
        }
        response = render(request, "driver/shell.html", context)
    response.headers["Permissions-Policy"] = "microphone=(), payment=(), usb=()"
    # The vendored reader of barcodes is WebAssembly.
    response._csp_update = {"script-src": ["'wasm-unsafe-eval'"]}  # type: ignore[attr-defined]  # noqa: SLF001
    return response


@open_to_all("the name and icons of the app")
@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """Describe the app to the phone that adds it to its home screen."""
    with translation.override(reader_language(request)):
        name = _("Deliveries of %(shop)s") % {"shop": current_retailer().name}
        body = {
            "id": reverse("driver:app"),
            "name": name,
            "short_name": current_retailer().name[:12],
            "start_url": reverse("driver:app"),
            "scope": reverse("driver:app"),
            "display": "standalone",
            "background_color": "#f4f6f7",
            "theme_color": "#f4f6f7",
            "icons": [
                {"src": static("driver/icon-192.png"), "sizes": "192x192", "type": "image/png"},
                {"src": static("driver/icon-512.png"), "sizes": "512x512", "type": "image/png"},
            ],
        }
    return JsonResponse(body, content_type="application/manifest+json")


@device_data(Act.DRIVER_VIEW)
@require_safe
def day(request: DeviceRequest) -> HttpResponse:
    """Return the driver's day; 304 if the phone has it already."""
    _note_phone(request)
    body = as_json(day_of(driver=request.device.driver, at=clock.now()))
    body["device"] = request.device.public_id
    body["streets"] = streets_of(request.device.driver.hub)
    with acting_as(request.device.driver.public_id):
        body["parts"] = parts.of_day([stop["order"] for stop in body["stops"]])
    tag = etag_of(body)
    headers = {"ETag": tag, "Cache-Control": "private, no-store"}
    if request.headers.get("If-None-Match", "") == tag:
        return HttpResponseNotModified(headers=headers)
    token, at = get_token(request), clock.now().isoformat()
    return JsonResponse(body | {"csrf": token, "at": at}, headers=headers)


@device_data(Act.DRIVER_ACT, direct=direct_calls(largest_body=LARGEST_BODY))
@require_POST
def acts(request: DeviceRequest) -> HttpResponse:
    """Take what the driver did, each item for itself."""
    body = _body(request)
    items = body.get("acts")
    if not isinstance(items, list) or len(items) > MOST_ACTS:
        raise Invalid(_("Send a list of at most %(most)s acts.") % {"most": MOST_ACTS})
    driver = body.get("driver")
    if driver is not None and driver != request.device.driver.public_id:
        raise OtherDriver(
            _("Another driver is logged in on this phone. Log in again to send this.")
        )
    phone_at = read_phone_time(body.get("phone_at"))
    drafts = [read_act(item, reasons=REASONS) for item in items]
    results = take_acts(device=request.device, drafts=drafts, phone_at=phone_at)
    return JsonResponse({"results": [one.as_json() for one in results]})


@device_data(Act.DRIVER_ACT)
@require_POST
def codes(request: DeviceRequest) -> HttpResponse:
    """Show the access code of a stop where the driver is; each look is logged."""
    order = _body(request).get("order")
    code = look_at_code(device=request.device, order=order if isinstance(order, str) else "")
    return JsonResponse({"code": code}, headers={"Cache-Control": "private, no-store"})


@device_data(Act.DRIVER_VIEW)
@require_POST
def labels(request: DeviceRequest) -> HttpResponse:
    """Say which order a scanned parcel is of, and which vehicle has it; no address and no name."""
    body = _body(request)
    code, keeps = body.get("code"), body.get("keeps_separators") is True
    hub = request.device.driver.hub
    parcel = parcel_of_label(code if isinstance(code, str) else "", hub, keeps_separators=keeps)
    return JsonResponse(parcel.as_json(), headers={"Cache-Control": "private, no-store"})


@device_data(Act.DRIVER_ACT)
@require_POST
def logout(request: DeviceRequest) -> HttpResponse:
    """End the log-in of this phone."""
    sign_out_device(device=request.device)
    response = JsonResponse({})
    response.delete_cookie(settings.DRIVER_COOKIE_NAME, path="/", samesite="Lax")
    return response


def _body(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > LARGEST_BODY:
        raise Invalid(_("The body is too large. Send fewer acts at a time."))
    body = strict_json(request.body)
    if not isinstance(body, dict):
        raise Invalid(_("The body must be a JSON object."))
    return body


def _note_phone(request: DeviceRequest) -> None:
    """Store what the app says about the phone, for the dispatcher's list of devices."""
    flags = {"1": True, "0": False}
    note_device_told(
        device=request.device,
        app_version=request.headers.get("X-App-Version"),
        installed=flags.get(request.headers.get("X-App-Installed", "")),
        storage_kept=flags.get(request.headers.get("X-Storage-Kept", "")),
    )

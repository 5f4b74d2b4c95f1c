"""The guard of the app's data: the phone's device key, and problems as JSON."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.translation import gettext as _

from dispatch.live.credentials import device_of_request
from dispatch.live.errors import DeviceEnded, DeviceRevoked
from dispatch.live.models import Device
from dispatch.live.selectors import is_revoked
from lastmile.core.http.direct import Direct
from lastmile.core.http.problems import known_problem, plain_problem_response
from lastmile.core.tenancy import current_retailer
from tenants import languages
from tenants.permissions import Act, PageRequest, require
from tenants.roles import Kind

View = Callable[..., HttpResponseBase]
_POST: Final = frozenset({"POST"})


class DeviceRequest(PageRequest):
    """A request that passed ``@device_data``: it has the device and, through it, the driver."""

    device: Device


def reader_language(request: HttpRequest) -> str:
    """Return the language of the app: ``?lang=``, the choice in this browser, the browser's own."""
    wished = request.GET.get("lang", "")
    return languages.shopper_language(request, first=(wished,), last=current_retailer().language)


def direct_calls(methods: frozenset[str] = _POST, *, largest_body: int) -> Direct:
    """Return which calls of a view of the app's data are answered directly."""
    return Direct(methods=methods, middleware=_MIDDLEWARE, largest_body=largest_body)


_MIDDLEWARE: Final = (
    "lastmile.core.http.direct.TokenMiddleware",
    "tenants.people.middleware.PrincipalMiddleware",
)


def device_data(act: Act, *, direct: Direct | None = None) -> Callable[[View], View]:
    """Guard a view of the app's data: ``@device_data(Act.X)``.

    ``direct`` names the calls that phones make often (``core.http.direct``).

    Every refusal is a problem in JSON. A missing or expired device key is 401 with the code
    device_ended; a revoked one is device_revoked, and the phone then deletes its addresses.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            with translation.override(reader_language(request)):
                try:
                    request.device = _device_of(request, act)  # type: ignore[attr-defined]
                    return view(request, *args, **kwargs)
                except Exception as fault:
                    problem = known_problem(fault)
                    if problem is None:
                        raise
                    return plain_problem_response(problem)

        guarded.who_may = {"get": act, "post": act, "put": act}  # type: ignore[attr-defined]
        if direct is not None:
            guarded.direct = direct  # type: ignore[attr-defined]
        return guarded

    return guard


def current_device(request: HttpRequest) -> Device | None:
    """Return the device whose key the browser sent, if it is still valid."""
    principal = getattr(request, "principal", None)
    if principal is None or principal.kind != Kind.DEVICE:
        return None
    return device_of_request(request)


def _device_of(request: HttpRequest, act: Act) -> Device:
    device = current_device(request)
    if device is None:
        key = request.COOKIES.get(settings.DRIVER_COOKIE_NAME, "")
        ended = DeviceRevoked if is_revoked(key) else DeviceEnded
        raise ended(_("This phone is logged out. Ask your dispatcher for a new link or code."))
    require(request.principal, act, device.driver.hub.public_id)  # type: ignore[attr-defined]
    return device

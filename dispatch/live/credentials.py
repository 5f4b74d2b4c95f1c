"""The credential of a driver's phone: a cookie that counts for the driver's pages only."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from dispatch.live.models import Device
from dispatch.live.selectors.devices import device_of_id, device_of_key
from dispatch.live.services.devices import note_device_used
from lastmile.core.http.socket_urls import socket_url
from tenants.credentials import Credential, CredentialType, Recognised, Refused, SocketCall
from tenants.principals import Principal
from tenants.roles import Kind

NAME: Final = "driver_device"
SOCKET: Final = "driver"  # the name of the socket of the driver's app


class DriverDevice(CredentialType):
    """The cookie of a driver's phone, for addresses under ``/driver/``, their socket and positions.

    On all other pages the same browser is a member or nobody.
    """

    csrf = True

    def recognise_request(self, request: HttpRequest) -> Recognised | Refused | None:
        """Recognise the phone of the cookie, or say that its log-in ended."""
        key = request.COOKIES.get(settings.DRIVER_COOKIE_NAME, "")
        is_own = request.path.startswith(settings.DRIVER_PATH)
        if not key or not (is_own or request.path == settings.POSITIONS_PATH):
            return None
        recognised, request.driver_device = _recognise(key)  # type: ignore[attr-defined]
        return recognised

    def recognise_socket(self, call: SocketCall) -> Recognised | Refused | None:
        """Recognise the phone of the cookie if a page of this retailer opens the socket."""
        key = call.cookies.get(settings.DRIVER_COOKIE_NAME, "")
        path = str(call.scope.get("path", ""))
        if not key or not call.from_own_page or not path.startswith(socket_url(SOCKET)):
            return None
        return _recognise(key)[0]

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the driver while the log-in of the phone is valid."""
        device = device_of_id(credential.session_key)
        if device is None or device.driver.public_id != credential.principal_id:
            return None
        return principal_of_device(device)


def principal_of_device(device: Device) -> Principal:
    """Return the driver of a device as the caller."""
    driver = device.driver
    return Principal(
        kind=Kind.DEVICE,
        public_id=driver.public_id,
        name=driver.name,
        role=NAME,
        hubs=frozenset({driver.hub.public_id}),
    )


def _recognise(key: str) -> tuple[Recognised | Refused, Device | None]:
    device = device_of_key(key)
    if device is None:
        words = _("This phone is no longer logged in. Ask your dispatcher for a new link.")
        return Refused(words), None
    note_device_used(device)
    recognised = Recognised(
        credential=Credential(NAME, device.driver.public_id, device.public_id),
        principal=principal_of_device(device),
    )
    return recognised, device


def device_of_request(request: object) -> Device | None:
    """Return the phone that this request was recognised by, without another look at the table."""
    device: Device | None = getattr(request, "driver_device", None)
    return device

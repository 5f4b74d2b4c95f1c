"""Two credentials of apps that are still to come, wired by name, with a page and a websocket."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path, re_path
from django.views.decorators.http import require_http_methods

from lastmile import switchboard
from lastmile.core.actor import current_actor
from lastmile.core.tenancy import current_schema
from lastmile.switchboard import *  # noqa: F403
from lastmile.urls import handler404
from tenants.consumers import RetailerConsumer
from tenants.credentials import Credential, CredentialType, Recognised, Refused, SocketCall
from tenants.people.forms import NewPasswordForm
from tenants.permissions import Act, KeyRole, Kind, PageRequest, Principal, by_link

__all__ = ["CREDENTIALS", "handler404", "routes", "urlpatterns"]
LINKS = {"open-link": "shp_1", "other-link": "shp_2"}  # secret -> shopper
EXPIRED: set[str] = set()
DEVICES = {"dev_1": "a device's secret"}


class ShopperLink(CredentialType):
    """A shopper by the secret in the address of a page or a websocket."""

    def recognise_link(self, secret: str) -> Recognised | None:
        """Return the shopper, if the link is one of this retailer's and still valid."""
        shopper = LINKS.get(secret) if current_schema() == "t1" else None
        if shopper is None or secret in EXPIRED:
            return None
        credential = Credential("shopper", shopper, secret)
        return Recognised(credential=credential, principal=self._of(shopper), language="es")

    def recognise_socket(self, call: SocketCall) -> Recognised | Refused | None:
        """Read the secret from ``/ws/v1/track/<secret>/``."""
        head, _track, tail = call.scope["path"].partition("/track/")
        if head != "/ws/v1":
            return None
        return self.recognise_link(tail.strip("/")) or Refused("unknown")

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the shopper while the link is valid."""
        found = self.recognise_link(credential.session_key)
        return found.principal if found else None

    def _of(self, shopper: str) -> Principal:
        return Principal(kind=Kind.LINK, public_id=shopper, name="Ana", role="shopper")


class DeviceKey(CredentialType):
    """A device by its headers."""

    def recognise_request(self, request: HttpRequest) -> Recognised | Refused | None:
        """Return the device; the API counts it as a key with the role of a driver."""
        device = request.headers.get("X-Device-Id")
        if device is None:
            return None
        if DEVICES.get(device) != request.headers.get("X-Device-Signature"):
            return Refused("This signature is not the device's.")
        principal = Principal(kind=Kind.KEY, public_id=device, name="Phone", role=KeyRole.DRIVER)
        return Recognised(credential=Credential("device", device), principal=principal)


class Track(RetailerConsumer):
    """What a shopper follows."""

    act = Act.ORDERS_VIEW

    def groups_joined(self) -> list[tuple[str, ...]]:
        """The shopper's own group."""
        return [("track", self.principal.public_id)]

    def snapshot(self) -> tuple[int | None, Any]:
        """Who follows."""
        return 1, {"shopper": self.principal.public_id}


@by_link("shopper", Act.ORDERS_VIEW)
@require_http_methods(["GET", "POST"])
def track(request: PageRequest, secret: str) -> HttpResponse:
    """A shopper's page; a POST says in whose name it acts."""
    if request.method == "POST":
        return HttpResponse(current_actor())
    return render(request, "tenants/set_password.html", {"form": NewPasswordForm()})


CREDENTIALS = {
    "device": "tests.tenants.credentials_app.DeviceKey",
    **switchboard.CREDENTIALS,
    "shopper": "tests.tenants.credentials_app.ShopperLink",
}
urlpatterns = [path("t/<str:secret>/", track), path("", include("lastmile.urls"))]
routes = [re_path(r"^ws/v1/track/[^/]+/$", Track.as_asgi())]

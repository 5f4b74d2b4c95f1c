"""Two example credential types, with a page and a websocket, as a later app would write them."""

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
    """The secret link of a shopper, in the address of a page or a websocket."""

    def recognise_link(self, secret: str) -> Recognised | None:
        """Recognise the shopper if the link is valid and from this retailer."""
        shopper = LINKS.get(secret) if current_schema() == "t1" else None
        if shopper is None or secret in EXPIRED:
            return None
        credential = Credential("shopper", shopper, secret)
        return Recognised(credential=credential, principal=self._principal(shopper), language="es")

    def recognise_socket(self, call: SocketCall) -> Recognised | Refused | None:
        """Read the secret from ``/ws/v1/example/<secret>/``."""
        head, _example, tail = call.scope["path"].partition("/example/")
        if head != "/ws/v1":
            return None
        return self.recognise_link(tail.strip("/")) or Refused("unknown")

    def current_principal(self, credential: Credential) -> Principal | None:
        """Return the shopper while the link is valid."""
        recognised = self.recognise_link(credential.session_key)
        return recognised.principal if recognised else None

    def _principal(self, shopper: str) -> Principal:
        return Principal(kind=Kind.LINK, public_id=shopper, name="Ana", role="shopper")


class DeviceKey(CredentialType):
    """The key of a device, sent in two headers."""

    def recognise_request(self, request: HttpRequest) -> Recognised | Refused | None:
        """Recognise the device as a key with the driver role."""
        device = request.headers.get("X-Device-Id")
        if device is None:
            return None
        if DEVICES.get(device) != request.headers.get("X-Device-Signature"):
            return Refused("This signature is not the device's.")
        principal = Principal(kind=Kind.KEY, public_id=device, name="Phone", role=KeyRole.DRIVER)
        return Recognised(credential=Credential("device", device), principal=principal)


class Track(RetailerConsumer):
    """The websocket consumer of a shopper's page."""

    act = Act.ORDERS_VIEW

    def groups_joined(self) -> list[tuple[str, ...]]:
        """Return the shopper's own channel group."""
        return [("track", self.principal.public_id)]

    def snapshot(self) -> tuple[int | None, Any]:
        """Return the public id of the shopper."""
        return 1, {"shopper": self.principal.public_id}


@by_link("shopper", Act.ORDERS_VIEW)
@require_http_methods(["GET", "POST"])
def track(request: PageRequest, secret: str) -> HttpResponse:
    """Show a shopper's page; the answer to a POST names the actor."""
    if request.method == "POST":
        return HttpResponse(current_actor())
    return render(request, "tenants/set_password.html", {"form": NewPasswordForm()})


CREDENTIALS = {
    "device": "tests.tenants.credentials_app.DeviceKey",
    **switchboard.CREDENTIALS,
    "shopper": "tests.tenants.credentials_app.ShopperLink",
}
urlpatterns = [path("t/<str:secret>/", track), path("", include("lastmile.urls"))]
routes = [re_path(r"^ws/v1/example/[^/]+/$", Track.as_asgi())]

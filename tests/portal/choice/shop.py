"""A shop whose page calls the API with a checkout key, and the slots that it can offer."""

from __future__ import annotations

from typing import Any

from dispatch.fleet.models import Hub
from dispatch.planning.services import reconcile_day
from dispatch.slots.models import Slot
from lastmile.core.tenancy import RetailerRef, retailer_context
from tenants.people import services
from tenants.permissions import KeyRole
from tests.factories import make_hub, make_shift, make_slot, make_vehicle
from tests.factories.fleet import LAT, LON
from tests.factories.orders import DAY
from tests.people import KeyClient

OPTIONS, HOLDS, CHOICES = "/api/v1/delivery-options/", "/api/v1/holds/", "/api/v1/choices/"
SHOP = "https://shop.example"
HOME = {"text": "Rua Augusta 12, Lisboa", "lat": LAT + 0.001, "lon": LON}


class Shop:
    """Calls the API as the page of a shop does: with a checkout key and the shop's origin."""

    def __init__(self, ref: RetailerRef, origin: str = SHOP, **fields: Any) -> None:
        with retailer_context(ref):
            self.key, secret = services.create_key(
                name="Shop", role=KeyRole.CHECKOUT, origins=[origin], **fields
            )
        self.client, self.origin = KeyClient(ref, secret), origin

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Send a call and return the answer."""
        return self.client.call(method, path, body, **{"origin": self.origin} | headers)

    def ask(self, **fields: Any) -> dict[str, Any]:
        """Open a session for 2 kg near the hub and return it."""
        answer = self.call("post", OPTIONS, question(**fields))
        assert answer.status_code == 201, answer.content
        session: dict[str, Any] = answer.json()
        return session

    def read(self, session: dict[str, Any]) -> dict[str, Any]:
        """Return a session as it is now."""
        answer = self.call("get", f"{OPTIONS}{session['id']}/")
        assert answer.status_code == 200, answer.content
        present: dict[str, Any] = answer.json()
        return present

    def change(self, session: dict[str, Any], **fields: Any) -> Any:
        """Change the basket or the days of a session; return the answer."""
        return self.call("patch", f"{OPTIONS}{session['id']}/", fields)

    def try_hold(self, session: dict[str, Any], offer: str, **fields: Any) -> Any:
        """Hold an offer; return the answer."""
        return self.call("post", HOLDS, {"session": session["id"], "offer": offer} | fields)

    def hold(self, session: dict[str, Any], offer: str, **fields: Any) -> dict[str, Any]:
        """Hold an offer and return the hold."""
        answer = self.try_hold(session, offer, **fields)
        assert answer.status_code == 201, answer.content
        held: dict[str, Any] = answer.json()
        return held

    def try_confirm(self, hold: dict[str, Any], **fields: Any) -> Any:
        """Confirm a hold; return the answer."""
        return self.call("post", CHOICES, {"hold": hold["id"]} | fields)

    def confirm(self, hold: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """Confirm a hold and return the choice."""
        answer = self.try_confirm(hold, **fields)
        assert answer.status_code == 201, answer.content
        choice: dict[str, Any] = answer.json()
        return choice


def question(**fields: Any) -> dict[str, Any]:
    """Return the body of a question for 2 kg near the hub on the factories' day."""
    day = DAY.isoformat()
    body: dict[str, Any] = {
        "place": HOME,
        "parcels": [{"weight_g": 2_000, "volume_cm3": 8_000}],
        "since": day,
        "until": day,
    }
    return body | fields


def hub_with_van(**fields: Any) -> Hub:
    """Return a hub with one van on the day and a tentative plan that is ready."""
    hub = make_hub(**fields)
    make_shift(vehicle=make_vehicle(hub=hub))
    reconcile_day(hub=hub, service_date=DAY)
    return hub


def curbside(hub: Hub, opens: int, capacity: int = 2, **fields: Any) -> Slot:
    """Add a curbside slot of an hour for some orders; ``opens`` is its local hour."""
    return make_slot(
        hub=hub, option="curbside", opens=opens * 60, closes=opens * 60 + 60,
        capacity_orders=capacity, **fields,
    )  # fmt: skip


def offers_by_id(session: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the offers of a session by their id."""
    return {offer["id"]: offer for offer in session["offers"]}


def taken(slot: Slot) -> int:
    """Return how many places of a slot are taken."""
    slot.refresh_from_db()
    return slot.taken_orders

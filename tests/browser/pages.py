"""Every first page, in one table: the browser tests and the pictures walk it.

A new page is a new line; ``ready`` is a selector that stands once the page is whole.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.browser.live import Live


@dataclass(frozen=True, slots=True)
class Visit:
    """A page to look at: its name, its path, who looks ("" for a stranger), when it is whole.

    ``ours`` is False where the page is another's work as a whole (Swagger UI): it must be quiet
    and call nobody, but its colours are not held to ours.
    """

    name: str
    path: str
    role: str = "owner"
    ready: str = "main h1, .driver h1"
    public: bool = False
    status: int = 200
    ours: bool = True

    def url(self, live: Live) -> str:
        """Return the address; what stands in braces comes from ``World.names``."""
        path = self.path.format(**live.world.names)
        return (live.public if self.public else live.retailer) + path


PAGES = (
    Visit("front", "/", role="", public=True),
    Visit("login", "/login/", role=""),
    Visit("nothing-here", "/no-such-page/", role="", status=404),
    Visit("home", "/"),
    Visit("board", "/console/{hub}/{date}/"),
    Visit("board-readonly", "/console/{hub}/{date}/", role="readonly"),
    Visit("manifest", "/console/routes/{route}/manifest/", ready="h1"),
    Visit("orders", "/console/orders/", role="dispatcher"),
    Visit("order", "/console/orders/{order}/", role="dispatcher"),
    Visit("order-new", "/console/orders/new/", role="dispatcher"),
    Visit("pins", "/console/pins/", role="dispatcher"),
    Visit("pin", "/console/pins/{lost}/", role="dispatcher"),
    Visit("imports", "/console/imports/", role="dispatcher"),
    Visit("import", "/console/imports/{import}/", role="dispatcher"),
    Visit("fleet", "/console/fleet/", role="manager"),
    Visit("hubs", "/console/fleet/hubs/", role="manager"),
    Visit("zone-new", "/console/fleet/zones/new/", role="manager"),
    Visit("vehicle-new", "/console/fleet/vehicles/new/", role="manager"),
    Visit("shifts", "/console/fleet/shifts/", role="manager"),
    Visit("design", "/design/"),
    Visit("design-shopper", "/design/shopper/"),
    Visit("design-driver", "/design/driver/"),
    Visit("members", "/members/"),
    Visit("member", "/members/{member}/"),
    Visit("api-keys", "/api-keys/"),
    Visit("audit", "/audit/"),
    Visit("account", "/account/", role="driver"),
    Visit("settings", "/settings/"),
    Visit("settings-read", "/settings/", role="dispatcher"),
    Visit("forbidden", "/members/", role="picker", status=403),
    Visit("api-docs", "/api/v1/docs/", ready=".swagger-ui .opblock", ours=False),
    Visit("api-problems", "/api/v1/problems/"),
)

"""The table of all main pages, which the browser tests and the screenshots visit.

Add a line for each new page.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.browser.live import Live


@dataclass(frozen=True, slots=True)
class Visit:
    """A page to visit: its name, its path and the role of the visitor ("" if not signed in).

    ``ready`` is a selector that exists as soon as the page is complete. ``own`` is False for a page
    by a third party (Swagger UI): its console and requests are checked, but not its accessibility.
    """

    name: str
    path: str
    role: str = "owner"
    ready: str = "main h1, .driver h1"
    public: bool = False
    status: int = 200
    own: bool = True

    def url(self, live: Live) -> str:
        """Return the address of the page; names in braces are filled from ``World.names``."""
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
    Visit("incidents", "/console/incidents/", role="dispatcher"),
    Visit("orders", "/console/orders/", role="dispatcher"),
    Visit("order", "/console/orders/{order}/", role="dispatcher"),
    Visit("order-new", "/console/orders/new/", role="dispatcher"),
    Visit("pins", "/console/pins/", role="dispatcher"),
    Visit("pin", "/console/pins/{unplaced}/", role="dispatcher"),
    Visit("imports", "/console/imports/", role="dispatcher"),
    Visit("import", "/console/imports/{import}/", role="dispatcher"),
    Visit("messages", "/messages/", role="dispatcher"),
    Visit("message", "/messages/{message}/", role="dispatcher"),
    Visit("message-results", "/messages/results/", role="manager"),
    Visit("message-cost", "/messages/cost/", role="manager"),
    Visit("message-budgets", "/messages/budgets/", role="manager"),
    Visit("message-send", "/messages/send/{order}/", role="dispatcher"),
    Visit("fleet", "/console/fleet/", role="manager"),
    Visit("hubs", "/console/fleet/hubs/", role="manager"),
    Visit("zone-new", "/console/fleet/zones/new/", role="manager"),
    Visit("vehicle-new", "/console/fleet/vehicles/new/", role="manager"),
    Visit("shifts", "/console/fleet/shifts/", role="manager"),
    Visit("phones", "/console/fleet/drivers/{driver}/phones/", role="dispatcher"),
    Visit("slots", "/console/slots/?date={date}", role="manager"),
    Visit("slot", "/console/slots/{slot}/", role="manager"),
    Visit("slot-templates", "/console/slots/templates/", role="manager"),
    Visit("slot-template", "/console/slots/templates/{template}/", role="manager"),
    Visit("slot-template-new", "/console/slots/templates/new/", role="manager"),
    Visit("slots-closed", "/console/slots/closed-days/", role="manager"),
    Visit("choices", "/choices/", role="manager"),
    Visit("choices-why", "/choices/why/", role="manager"),
    Visit("design", "/design/"),
    Visit("design-shopper", "/design/shopper/"),
    Visit("design-driver", "/design/driver/"),
    Visit("delivery", "/t/{shopper}/", role=""),
    Visit("delivery-spanish", "/t/{shopper}/?lang=es", role=""),
    Visit("delivery-arabic", "/t/{shopper}/?lang=ar", role=""),
    Visit("delivery-rated", "/t/{delivered}/", role=""),
    Visit("delivery-pickup", "/t/{pickup}/", role=""),
    Visit("delivery-to-choose", "/t/{choosing}/", role=""),
    Visit("choose", "/t/{choosing}/choose/{choosing-session}/", role=""),
    Visit("choose-arabic", "/t/{choosing}/choose/{choosing-session}/?lang=ar", role=""),
    Visit("choose-confirm", "/t/{holding}/choose/{holding-session}/confirm/", role=""),
    Visit("choose-start", "/t/{holding}/choose/", role=""),
    Visit("change-instructions", "/t/{holding}/change/instructions/", role=""),
    Visit("change-cancel", "/t/{holding}/change/cancel/", role=""),
    Visit("confirm-code", "/t/{holding}/confirm/?next=change/address/", role=""),
    Visit("change-return", "/t/{delivered}/return/", role=""),
    Visit("driver-login", "/driver/login/", role=""),
    Visit("driver-login-arabic", "/driver/login/?lang=ar", role=""),
    Visit("driver-link-used", "/driver/login/nobody/", role="", status=404),
    Visit("members", "/members/"),
    Visit("member", "/members/{member}/"),
    Visit("api-keys", "/api-keys/"),
    Visit("audit", "/audit/"),
    Visit("account", "/account/", role="driver"),
    Visit("settings", "/settings/"),
    Visit("settings-read", "/settings/", role="dispatcher"),
    Visit("forbidden", "/members/", role="picker", status=403),
    Visit("api-docs", "/api/v1/docs/", ready=".swagger-ui .opblock", own=False),
    Visit("api-problems", "/api/v1/problems/"),
)

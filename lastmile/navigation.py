"""The menu, the statuses, the next steps and the panels of all pages, listed in one place.

``MENU``      the menu at the top of each page: URL name, permission, label, icon.
``STATUSES``  owner -> status code -> tone, icon and word. A code belongs to one owner.
``STEPS``     functions ``def f(scope: Scope) -> list[Step]`` that suggest next steps on the home
              page, in this order.
``PANELS``    place on a page -> panels that other modules show there: URL name, permission,
              heading. A template writes ``{% panels "order" order.public_id %}``.

``DRIVER_PARTS`` what other modules show at stops in the driver's app.

``settings.NAVIGATION`` names this module. A start-up check resolves every name in it.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from lastmile.core.navigation import DriverPart, Item, Panel
from lastmile.core.statuses import Status

MENU: tuple[Item, ...] = (
    Item("home:start", "home.view", _("Today"), "house"),
    Item("console:board", "plans.view", _("Board"), "map"),
    Item(
        "incidents:list",
        "incidents.view",
        _("Incidents"),
        "triangle-alert",
        count="dispatch.live.selectors.open_incidents",
    ),
    Item(
        "slots:board",
        "slots.view",
        _("Slots"),
        "calendar-days",
        also=("slots:templates", "slots:closed", "choices:overview"),
    ),
    Item("orders:list", "orders.view", _("Orders"), "package", also=("orders:pins",)),
    Item("messages:list", "messages.view", _("Messages"), "message-square"),
    Item("imports:list", "orders.import", _("Import"), "file-up"),
    Item("fleet:index", "fleet.view", _("Fleet"), "truck"),
    Item("lockers:list", "lockers.view", _("Lockers"), "inbox"),
    Item("people:members", "members.view", _("Members"), "users"),
    Item("house:retailers", "retailers.view", _("Retailers"), "layout-grid"),
    Item(
        "tenants:settings",
        "policy.view",
        _("Settings"),
        "settings-2",
        also=("people:api-keys", "people:audit"),
    ),
)

STATUSES: dict[str, dict[str, Status]] = {
    "core": {  # jobs
        "queued": Status("idle", "clock", pgettext_lazy("status", "Queued")),
        "running": Status("active", "loader", pgettext_lazy("status", "Running")),
        "succeeded": Status("ok", "circle-check", pgettext_lazy("status", "Done")),
        "failed": Status("failed", "circle-x", pgettext_lazy("status", "Failed")),
        "cancelled": Status("idle", "ban", pgettext_lazy("status", "Cancelled")),
    },
    "tenants": {
        "active": Status("ok", "circle-check", pgettext_lazy("status", "Active")),
        "suspended": Status("risk", "circle-pause", pgettext_lazy("status", "Suspended")),
        "closed": Status("idle", "lock", pgettext_lazy("status", "Closed")),
        "revoked": Status("idle", "ban", pgettext_lazy("status", "Revoked")),
        "invited": Status("idle", "send", pgettext_lazy("status", "Invited")),
    },
    "orders": {  # failed and cancelled orders use the two statuses of "core"
        "new": Status("idle", "circle-dashed", pgettext_lazy("status", "New")),
        "needs_pin": Status("risk", "map-pin-off", pgettext_lazy("status", "Needs a pin")),
        "placed": Status("risk", "circle-dashed", pgettext_lazy("status", "No hub or date")),
        "ready": Status("idle", "circle-dot", pgettext_lazy("status", "Ready to plan")),
        "promised": Status("idle", "calendar-days", pgettext_lazy("status", "Promised")),
        "planned": Status("active", "route", pgettext_lazy("status", "Planned")),
        "loaded": Status("active", "package-check", pgettext_lazy("status", "Loaded")),
        "out": Status("active", "truck", pgettext_lazy("status", "On its way")),
        "awaiting_collection": Status(
            "active", "inbox", pgettext_lazy("status", "Awaiting collection")
        ),
        "delivered": Status("ok", "circle-check", pgettext_lazy("status", "Delivered")),
        "deposited": Status("ok", "inbox", pgettext_lazy("status", "Deposited")),
        "picked_up": Status("ok", "undo-2", pgettext_lazy("status", "Picked up")),
        "returned": Status("idle", "undo-2", pgettext_lazy("status", "Returned")),
        "on_time": Status("ok", "circle-check", pgettext_lazy("status", "On time")),
        "promises_kept": Status("ok", "circle-check", pgettext_lazy("status", "Promises kept")),
        "at_risk": Status("risk", "clock-alert", pgettext_lazy("status", "At risk")),
        "late": Status("late", "clock-alert", pgettext_lazy("status", "Late")),
    },
    "messages": {  # delivered and failed messages use the statuses of "orders" and "core"
        "waiting": Status("idle", "clock", pgettext_lazy("status", "Waiting")),
        "sending": Status("active", "loader", pgettext_lazy("status", "Being sent")),
        "unclear": Status("risk", "circle-alert", pgettext_lazy("status", "Unclear")),
        "accepted": Status("active", "send", pgettext_lazy("status", "Handed over")),
        "sent": Status("active", "send", pgettext_lazy("status", "Sent")),
        "read": Status("ok", "eye", pgettext_lazy("status", "Read")),
        "skipped": Status("idle", "ban", pgettext_lazy("status", "Not sent")),
        "unknown": Status("risk", "circle-alert", pgettext_lazy("status", "Unknown")),
    },
    "lockers": {
        "online": Status("ok", "circle-check", pgettext_lazy("status", "Online")),
        "degraded": Status("risk", "clock-alert", pgettext_lazy("status", "Reports missing")),
        "offline": Status("failed", "circle-x", pgettext_lazy("status", "No connection")),
    },
    "planning": {
        "draft": Status("idle", "pencil", pgettext_lazy("status", "Draft")),
        "published": Status("active", "send", pgettext_lazy("status", "Published")),
        "discarded": Status("idle", "ban", pgettext_lazy("status", "Discarded")),
        "superseded": Status("idle", "history", pgettext_lazy("status", "Superseded")),
        "unserved": Status("risk", "triangle-alert", pgettext_lazy("status", "Unserved")),
    },
}

STEPS: tuple[str, ...] = (
    "portal.home.selectors.hub_steps",
    "portal.home.selectors.incident_steps",
    "notifications.selectors.steps.trouble_steps",
    "notifications.selectors.steps.reply_steps",
    "portal.home.selectors.pin_steps",
    "portal.home.selectors.plan_steps",
    "portal.home.selectors.unplaced_steps",
    "portal.home.selectors.import_steps",
    "notifications.selectors.steps.setup_steps",
)

PANELS: dict[str, tuple[Panel, ...]] = {
    "order": (
        Panel("orders:proof", "orders.view", _("Proof of delivery")),
        Panel("orders:custody", "orders.view", _("Way of the parcels")),
        Panel("messages:of-order", "messages.view", _("Was the shopper told?")),
        Panel("messages:thread", "messages.view", _("Thread with the shopper")),
        Panel("tracking:of-order", "orders.view", _("From the shopper")),
        Panel("shopper:link-of", "orders.edit", _("Shopper's page")),
    ),
    "plan": (),
    "publication": (Panel("messages:of-publication", "messages.view", _("Whom this writes to")),),
    "import": (Panel("messages:of-import", "messages.view", _("Whom this writes to")),),
    "slots": (Panel("choices:panel", "slots.view", _("What shoppers chose")),),
    "hub": (Panel("people:audit-of", "audit.view", _("Audit log")),),
}

DRIVER_PARTS: tuple[DriverPart, ...] = (
    DriverPart(
        name="lockers",
        script="lockers/courier.js",
        urls={"other_door": "courier:other-door"},
        texts="lockers.courier.words.texts",
        day="lockers.courier.day.part_of",
    ),
)

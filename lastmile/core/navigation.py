"""The ways through the house: what the bar at the top offers, to whom.

Core knows no room, so an item names its page by URL name and its permission by the word of the
act; ``look.nav`` shows an item only to a principal who may, and a boot check resolves every name.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Way:
    """One item: where it leads (URL name), what it needs (act), how it is shown.

    ``also`` names further pages that lie under it, though their addresses do not.
    """

    url: str
    act: str
    label: str | Promise
    icon: str
    also: tuple[str, ...] = ()


WAYS: tuple[Way, ...] = (
    Way("home", "home.view", _("Today"), "house"),
    Way("console:board", "plans.view", _("Board"), "map"),
    Way("orders", "orders.view", _("Orders"), "package", also=("pins",)),
    Way("imports", "orders.import", _("Import"), "file-up"),
    Way("fleet", "fleet.view", _("Fleet"), "truck"),
    Way("members", "members.view", _("People"), "users"),
    Way("retailers", "retailers.view", _("Retailers"), "layout-grid"),
    Way("settings", "policy.view", _("Settings"), "settings-2"),
)

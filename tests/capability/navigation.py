"""The real navigation plus the items of remarks. A real app adds its lines to the real file."""

from __future__ import annotations

from lastmile.core.navigation import Item, Panel
from lastmile.navigation import *  # noqa: F403
from lastmile.navigation import MENU as _MENU
from lastmile.navigation import PANELS as _PANELS

MENU = (*_MENU, Item("remarks:list", "orders.view", "Remarks", "package"))
PANELS = {
    **_PANELS,
    "order": (*_PANELS["order"], Panel("remarks:of-order", "orders.view", "Remarks")),
}

"""The Django app of what shoppers' pages share."""

from __future__ import annotations

from django.apps import AppConfig


class ShopperConfig(AppConfig):
    """The app config."""

    name = "portal.shopper"
    label = "shopper"

"""The providers of delivery options: every module of this folder with a ``PROVIDER``.

The folder is scanned, so a new provider adds a file here and changes none.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from lastmile.core.refusals import unknown
from portal.choice.providers.base import OptionProvider


@cache
def _scanned() -> tuple[OptionProvider, ...]:
    names = sorted(info.name for info in pkgutil.iter_modules(__path__))
    modules = [import_module(f"{__name__}.{name}") for name in names]
    return tuple(module.PROVIDER for module in modules if hasattr(module, "PROVIDER"))


def providers() -> tuple[OptionProvider, ...]:
    """Return all providers, sorted by the name of their module."""
    return _scanned()


def provider_called(name: str) -> OptionProvider:
    """Return the provider with this name. Raises KeyError."""
    return {provider.name: provider for provider in providers()}[name]


def provider_of_hold(hold: str) -> OptionProvider:
    """Return the provider to which a public id of a hold belongs. Raises NotFound."""
    prefix = hold.partition("_")[0]
    for provider in providers():
        if provider.hold_prefix == prefix:
            return provider
    raise unknown()

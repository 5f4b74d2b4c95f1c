"""The provider of translations: its Protocol, its adapter and its null twin."""

from __future__ import annotations

from django.conf import settings

from tests.capability.vendors.base import Translator
from tests.capability.vendors.libre import LibreTranslator
from tests.capability.vendors.null import NullTranslator

_null = NullTranslator()


def translator() -> Translator:
    """Return the translator of this installation, or the null twin if none is configured."""
    address = getattr(settings, "REMARKS_TRANSLATOR_URL", "")
    return LibreTranslator(address) if address else _null

"""The protocol of translators."""

from __future__ import annotations

from typing import Protocol


class Translator(Protocol):
    """A service that translates short texts."""

    def translate(self, text: str, *, to: str) -> str:
        """Return the text in another language (BCP 47). Raises ProviderError."""
        ...

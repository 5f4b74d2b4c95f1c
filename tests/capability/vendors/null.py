"""The translator of a laptop: keeps what it was told and marks its answers."""

from __future__ import annotations


class NullTranslator:
    """Answers at once, and calls nobody."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def translate(self, text: str, *, to: str) -> str:
        """Return the text with the language before it."""
        self.told.append((text, to))
        return f"[{to}] {text}"

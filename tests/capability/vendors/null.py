"""The null translator: it keeps the questions and marks its answers with the language."""

from __future__ import annotations


class NullTranslator:
    """A translator that answers without calling another system; ``told`` lists the questions."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def translate(self, text: str, *, to: str) -> str:
        """Return the text with its language in front."""
        self.told.append((text, to))
        return f"[{to}] {text}"

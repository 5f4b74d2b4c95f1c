"""The adapter for a server with the API of LibreTranslate: POST /translate {q, target}."""

from __future__ import annotations

import httpx

from lastmile.core.providers import HttpClient, ProviderError


class LibreTranslator:
    """A client of one server. ``transport`` replays recorded answers in tests."""

    def __init__(self, address: str, transport: httpx.BaseTransport | None = None) -> None:
        self.address, self.transport = address, transport

    def translate(self, text: str, *, to: str) -> str:
        """Return the text in another language. Raises ProviderError."""
        with HttpClient(self.address, transport=self.transport) as client:
            answer = client.call_json("POST", "/translate", body={"q": text, "target": to})
        if not isinstance(answer, dict) or not isinstance(answer.get("translatedText"), str):
            raise ProviderError("the answer contains no translation", permanent=True)
        return str(answer["translatedText"])

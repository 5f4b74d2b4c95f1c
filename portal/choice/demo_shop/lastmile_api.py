"""The calls that the shop's own server makes to Lastmile, with its secret key."""

from __future__ import annotations

import hashlib
import http.client
import json
from dataclasses import dataclass
from typing import Any, Final

from portal.choice.demo_shop.config import ShopConfig

TIMEOUT_S: Final = 30


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """Lastmile refused the call; ``detail`` is a sentence for the shopper."""

    status: int
    code: str
    detail: str


def call(
    shop: ShopConfig, port: int, method: str, path: str, body: Any = None, language: str = "en"
) -> dict[str, Any]:
    """Call the API and return its answer. Raises Refused, also if there is no answer.

    Names such as ``verdura.localhost`` are not known to every machine, so the call goes to the
    loopback address with the name in its Host header.
    """
    sent = None if body is None else json.dumps(body).encode()
    headers = {
        "Host": f"{shop.host}:{port}",
        "Authorization": f"Bearer {shop.integration_key}",
        "Accept": "application/json",
        "Accept-Language": language,
    }
    if sent is not None:
        headers["Content-Type"] = "application/json"
        # The same order sent twice is one order; a corrected order is another call.
        headers["Idempotency-Key"] = hashlib.sha256(sent).hexdigest()[:40]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request(method, f"/api/v1/{path}", body=sent, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
    except OSError as fault:
        raise Refused(503, "no_connection", "Lastmile does not answer.") from fault
    finally:
        connection.close()
    try:
        result = json.loads(content)
    except ValueError:
        result = {}
    if answer.status >= 400:
        errors = result.get("errors") or [{}]
        detail = errors[0].get("detail") if len(errors) == 1 else None
        text = detail or result.get("detail") or f"Status {answer.status}."
        raise Refused(answer.status, result.get("code", "failed"), text)
    return dict(result)

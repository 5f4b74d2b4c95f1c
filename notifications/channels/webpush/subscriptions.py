"""The subscription of a browser, as text: it is the address of a push contact."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lastmile.core.egress import EgressRefused, check_url
from notifications.channels.webpush.encryption import BadSubscription, read_keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscription: the address at the push service, and the browser's two keys."""

    endpoint: str
    p256dh: str
    auth: str

    def to_text(self) -> str:
        """Return the text form; equal subscriptions have equal texts."""
        parts = {"endpoint": self.endpoint, "p256dh": self.p256dh, "auth": self.auth}
        return json.dumps(parts, separators=(",", ":"), sort_keys=True)


def read_subscription(text: str) -> Subscription:
    """Return the subscription in a text, as a browser or ``to_text`` writes it.

    Raises
    ------
    BadSubscription
        The text is not JSON, a key is not what a browser makes, or the address cannot be called.
    """
    try:
        parts: Any = json.loads(text)
    except (ValueError, RecursionError) as wrong:
        raise BadSubscription("The subscription is not JSON.") from wrong
    if not isinstance(parts, Mapping):
        raise BadSubscription("The subscription is not a JSON object.")
    keys = parts.get("keys")
    keys = keys if isinstance(keys, Mapping) else parts
    values = (parts.get("endpoint"), keys.get("p256dh"), keys.get("auth"))
    if not all(isinstance(value, str) for value in values):
        raise BadSubscription("The subscription lacks its address or a key.")
    endpoint, p256dh, auth = (str(value) for value in values)
    read_keys(p256dh, auth)
    try:
        check_url(endpoint)
    except EgressRefused as refused:
        raise BadSubscription("The address of the subscription cannot be called.") from refused
    return Subscription(endpoint=endpoint, p256dh=p256dh, auth=auth)

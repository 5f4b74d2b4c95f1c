"""The last check of messages before their calls: together if they can be, else each alone."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from lastmile.core.tenancy import retailer_context
from lastmile.core.timing import backoff_s
from notifications.channels.base import Outgoing
from notifications.errors import LeaseLost
from notifications.services.claiming import put_off
from notifications.services.lanes import Prepared, Ready
from notifications.services.preparing import prepare, prepare_many

log = logging.getLogger(__name__)


def last_checks(ready: Sequence[Ready]) -> list[Prepared]:
    """Check messages and open their calls; return those that are sent.

    The messages of one account are checked together. A message that cannot be checked with the
    others is checked alone, so it keeps no other one from being sent.

    Locks: the messages, budget rows. Records: message.ended if one is skipped. Raises: nothing of
    its own.
    """
    groups: dict[tuple[str, int, bool], list[Ready]] = {}
    for one in ready:
        key = (one.ref.schema, one.account.pk, one.copied)
        groups.setdefault(key, []).append(one)
    prepared: list[Prepared] = []
    for group in groups.values():
        with retailer_context(group[0].ref):
            prepared += _checked(group)
    return prepared


def _checked(group: Sequence[Ready]) -> list[Prepared]:
    opened: dict[int, Outgoing] = {}
    try:
        opened = prepare_many(claimed=[one.claimed for one in group], copied=group[0].copied)
    except Exception as fault:  # noqa: BLE001 - one message must not stop the others
        log.warning("%d are checked one by one: %s", len(group), type(fault).__name__)
    results = [(one, opened.get(one.claimed.pk) or _alone(one)) for one in group]
    return [Prepared(one, outgoing) for one, outgoing in results if outgoing is not None]


def _alone(ready: Ready) -> Outgoing | None:
    """Check a message and open its call; return None if it is not sent."""
    claimed = ready.claimed
    try:
        return prepare(claimed=claimed, copied=ready.copied)
    except LeaseLost:
        return None
    except Exception as fault:  # noqa: BLE001 - one message must not stop the pump
        # Only the kind: words of the message may be in the text of the exception.
        log.error("%s cannot be prepared: %s", claimed.public_id, type(fault).__name__)
        put_off(claimed=claimed, for_s=backoff_s(3))
        return None

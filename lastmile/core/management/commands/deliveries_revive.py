"""`deliveries_revive --schema S`: try deliveries again that were given up."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.errors import Invalid
from lastmile.core.management.base import OperatorCommand
from lastmile.core.models import Delivery
from lastmile.core.relay import given_up, revive
from lastmile.core.tenancy import retailer_context
from lastmile.core.wiring import kind_table


class Command(OperatorCommand):
    """Tries again what a handler could not do in eight attempts, once its fault is mended."""

    help = "List the deliveries of events that were given up, and let them be tried again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema``, ``--kind`` and ``--dry-run``."""
        super().add_arguments(parser)
        parser.add_argument("--schema", required=True, help="schema of the retailer")
        parser.add_argument("--kind", default="", help="only events of this kind: order.placed")
        parser.add_argument("--dry-run", action="store_true", help="list them and change nothing")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """List, and revive unless it is a dry run."""
        kind: str = options["kind"]
        if kind and kind not in kind_table():
            raise Invalid(
                f"No event kind {kind!r} is declared. lastmile/docs/events.md lists all kinds."
            )
        with retailer_context(options["schema"], allow_suspended=True) as retailer:
            found = list(given_up(kind))
            revived = 0 if options["dry_run"] else revive(one.pk for one in found)
        return {
            "schema": retailer.schema,
            "given_up": [_shown(one) for one in found],
            "revived": revived,
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return one line a delivery and what was done."""
        lines = [
            f"{one['event']} {one['kind']} of {one['subject']}: {one['handler']}: {one['error']}"
            for one in result["given_up"]
        ]
        return "\n".join([*lines, f"{len(lines)} given up, {result['revived']} revived."])


def _shown(delivery: Delivery) -> dict[str, Any]:
    return {
        "event": delivery.event.public_id,
        "kind": delivery.event.kind,
        "subject": delivery.event.subject,
        "handler": delivery.handler,
        "attempts": delivery.attempts,
        "error": delivery.error,
    }

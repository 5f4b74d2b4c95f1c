"""`deliveries_revive --schema S`: retry event deliveries that failed too often."""

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
    """Retry deliveries that failed eight times, after the fault in the handler is fixed."""

    help = (
        "List the event deliveries that failed eight times, and retry them. Run it after the fault "
        "in the handler is fixed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema``, ``--kind`` and ``--dry-run``."""
        super().add_arguments(parser)
        parser.add_argument(
            "--schema", required=True, help="schema of the retailer, such as t_acme"
        )
        parser.add_argument(
            "--kind",
            default="",
            help="only events of this kind, such as order.placed; default: all kinds",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="list the deliveries and retry none"
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """List the deliveries, and retry them unless it is a dry run."""
        kind: str = options["kind"]
        if kind and kind not in kind_table():
            raise Invalid(
                f"No event kind {kind!r} is declared. lastmile/docs/events.md lists all kinds."
            )
        with retailer_context(options["schema"], allow_suspended=True) as retailer:
            deliveries = list(given_up(kind))
            revived = 0 if options["dry_run"] else revive(one.pk for one in deliveries)
        return {
            "schema": retailer.schema,
            "given_up": [_as_json(one) for one in deliveries],
            "revived": revived,
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return one line for each delivery, then the totals."""
        lines = [
            f"{one['event']} {one['kind']} of {one['subject']}: {one['handler']}: {one['error']}"
            for one in result["given_up"]
        ]
        return "\n".join(
            [
                *lines,
                f"{len(lines)} deliveries failed eight times; {result['revived']} will be retried.",
            ]
        )


def _as_json(delivery: Delivery) -> dict[str, Any]:
    return {
        "event": delivery.event.public_id,
        "kind": delivery.event.kind,
        "subject": delivery.event.subject,
        "handler": delivery.handler,
        "attempts": delivery.attempts,
        "error": delivery.error,
    }

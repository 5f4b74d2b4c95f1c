"""`invariants --all`: check the rules that the data must always satisfy."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import CommandError

from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import RetailerRef, for_each_retailer, retailer_context
from lastmile.core.wiring import roll


class Command(OperatorCommand):
    """Check the rules of each app in each retailer, with the functions in INVARIANTS."""

    help = (
        "Check the rules that the data must always satisfy, in one retailer or in all. Exit status "
        "1 if a rule is broken; the output names it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema`` and ``--all``; one of them is required."""
        super().add_arguments(parser)
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--schema", help="schema of one retailer, such as t_acme")
        scope.add_argument("--all", action="store_true", help="every active retailer")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the broken rules, then fail if there are any."""
        self.broken: list[dict[str, Any]] = []
        super().handle(*args, **options)
        if self.broken:
            names = "; ".join(
                f"{b['schema']}: {b['invariant']} ({b['count']})" for b in self.broken
            )
            raise CommandError(f"{len(self.broken)} broken: {names}")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Check the rules of every app in each chosen retailer."""
        checked = 0
        for retailer in _selected(options["schema"]):
            for app, check in roll("INVARIANTS"):
                offenders = dict(check())
                checked += len(offenders)
                self.broken += [
                    {
                        "schema": retailer.schema,
                        "room": app,
                        "invariant": name,
                        "count": len(ids),
                        "ids": list(ids)[:20],
                    }
                    for name, ids in offenders.items()
                    if ids
                ]
        return {"checked": checked, "broken": self.broken}

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return a line for each broken rule, and how many rules hold."""
        lines = [
            f"{b['schema']} {b['room']}: {b['invariant']} is broken by {', '.join(b['ids'])}"
            for b in result["broken"]
        ]
        return "\n".join([*lines, f"{result['checked'] - len(lines)} invariants hold."])


def _selected(schema: str | None) -> Iterator[RetailerRef]:
    if schema is None:
        yield from for_each_retailer()
        return
    with retailer_context(schema, allow_suspended=True) as retailer:
        yield retailer

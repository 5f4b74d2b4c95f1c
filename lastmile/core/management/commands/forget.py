"""`forget --all`: delete or empty data older than its retention time."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.erasing import forget
from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import for_each_retailer, retailer_context


class Command(OperatorCommand):
    """Delete or empty the old data of each app, with the functions in FORGET."""

    help = (
        "Delete or empty data older than its retention time, in one retailer or in all. The "
        "scheduler (beat) does this once a day."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema`` and ``--all``; one of them is required."""
        super().add_arguments(parser)
        scope = parser.add_mutually_exclusive_group(required=True)
        scope.add_argument("--schema", help="schema of one retailer, such as t_acme")
        scope.add_argument("--all", action="store_true", help="every active retailer")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Delete old data of each chosen retailer."""
        if options["schema"]:
            with retailer_context(options["schema"], allow_suspended=True) as retailer:
                return {"forgotten": {retailer.schema: forget()}}
        return {"forgotten": {retailer.schema: forget() for retailer in for_each_retailer()}}

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return one line for each retailer."""
        return "\n".join(
            f"{schema}: " + (", ".join(f"{n} {noun}" for noun, n in done.items() if n) or "nothing")
            for schema, done in result["forgotten"].items()
        )

"""`forget --all`: what was kept long enough goes."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.erasing import forget
from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import for_each_retailer, retailer_context


class Command(OperatorCommand):
    """Walks FORGET in the switchboard: one function an app."""

    help = "Delete or blank what is old, in one retailer or in all; beat does it once a day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema`` and ``--all``, of which one is needed."""
        super().add_arguments(parser)
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--schema", help="one retailer")
        which.add_argument("--all", action="store_true", help="every active retailer")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Forget in each retailer that was asked for."""
        if options["schema"]:
            with retailer_context(options["schema"], allow_suspended=True) as retailer:
                return {"forgotten": {retailer.schema: forget()}}
        return {"forgotten": {retailer.schema: forget() for retailer in for_each_retailer()}}

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return one line for each retailer."""
        return "\n".join(
            f"{schema}: " + (", ".join(f"{n} {what}" for what, n in done.items() if n) or "nothing")
            for schema, done in result["forgotten"].items()
        )

"""`ledger --schema S`: list ids, states and counts of all data that a retailer has."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import retailer_context
from lastmile.core.wiring import roll


class Command(OperatorCommand):
    """List what a retailer has stored, app by app, with the functions in LEDGER."""

    help = (
        "List the ids, states and counts of everything that one retailer has saved, app by app. "
        "Compare two lists to find data that was lost."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema``."""
        super().add_arguments(parser)
        parser.add_argument(
            "--schema", required=True, help="schema of the retailer, such as t_acme"
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Read the list of each app inside the retailer."""
        with retailer_context(options["schema"], allow_suspended=True) as retailer:
            apps = {app: dict(read()) for app, read in roll("LEDGER")}
        return {"schema": retailer.schema, "rooms": apps}

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return one line for each kind of data."""
        lines = [
            f"{app}: {len(rows) if hasattr(rows, '__len__') else rows} {name}"
            for app, tables in result["rooms"].items()
            for name, rows in tables.items()
        ]
        return "\n".join([result["schema"], *lines])

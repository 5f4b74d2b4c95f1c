"""``manage.py retailer_clock``: what time it is at a sandbox retailer."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping
from typing import Any

from lastmile.core import clock
from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import HOUSE, retailer_context
from tenants.services import set_clock


class Command(OperatorCommand):
    """Show or set a sandbox retailer's clock."""

    help = "Show a retailer's clock; set that of a sandbox: its time, its rate, or the real one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add which, and what it shows."""
        super().add_arguments(parser)
        parser.add_argument("--schema", required=True, help="name of its schema")
        parser.add_argument(
            "--at", type=_instant, help="what it shows now: 2026-11-23T08:00Z (RFC 3339)"
        )
        parser.add_argument("--rate", type=float, help="its seconds in a real second, to 3600")
        parser.add_argument("--real", action="store_true", help="back to the real time")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Set it as the house, when that is asked for; say what it shows."""
        wanted = {name: options[name] for name in ("at", "rate", "real")}
        if wanted["at"] is not None or wanted["rate"] is not None or wanted["real"]:
            with retailer_context(HOUSE):
                set_clock(options["schema"], **wanted)
        with retailer_context(options["schema"], allow_suspended=True) as ref:
            return {
                "schema": ref.schema,
                "now": clock.now().isoformat(),
                "rate": ref.clock.rate if ref.clock else 1.0,
                "real": ref.clock is None,
            }

    def summary(self, result: Mapping[str, Any]) -> str:
        """Say the time there."""
        how = "the real time" if result["real"] else f"{result['rate']:g} seconds a second"
        return f"{result['schema']}: {result['now']}, {how}"


def _instant(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as wrong:
        raise ArgumentTypeError(f"{text!r} is no instant; write 2026-11-23T08:00Z.") from wrong
    if found.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} has no offset; write 2026-11-23T08:00Z.")
    return found

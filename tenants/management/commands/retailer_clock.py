"""``manage.py retailer_clock``: show a retailer's clock, or set that of a sandbox."""

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

    help = (
        "Show a retailer's clock. For a sandbox retailer: set its time or its speed, or "
        "return to real time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema``, ``--at``, ``--rate`` and ``--real``."""
        super().add_arguments(parser)
        parser.add_argument(
            "--schema", required=True, help="schema of the retailer, such as t_acme"
        )
        parser.add_argument(
            "--at",
            type=_instant,
            metavar="TIME",
            help="set the clock to this time (RFC 3339), such as 2026-11-23T08:00Z; "
            "default: unchanged",
        )
        parser.add_argument(
            "--rate",
            type=float,
            help="speed: seconds of this clock per real second, up to 3600; default: unchanged",
        )
        parser.add_argument("--real", action="store_true", help="show real time again")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Set the clock if an option asks for it, and return what it shows."""
        changes = {name: options[name] for name in ("at", "rate", "real")}
        if changes["at"] is not None or changes["rate"] is not None or changes["real"]:
            with retailer_context(HOUSE):
                set_clock(options["schema"], **changes)
        with retailer_context(options["schema"], allow_suspended=True) as ref:
            return {
                "schema": ref.schema,
                "now": clock.now().isoformat(),
                "rate": ref.clock.rate if ref.clock else 1.0,
                "real": ref.clock is None,
            }

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return the time of the retailer."""
        rate = "real time" if result["real"] else f"{result['rate']:g} seconds per real second"
        return f"{result['schema']}: {result['now']}, {rate}"


def _instant(text: str) -> dt.datetime:
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError as wrong:
        raise ArgumentTypeError(
            f"{text!r} is not a time. Write it as 2026-11-23T08:00Z."
        ) from wrong
    if instant.tzinfo is None:
        raise ArgumentTypeError(f"{text!r} has no UTC offset. Write it as 2026-11-23T08:00Z.")
    return instant

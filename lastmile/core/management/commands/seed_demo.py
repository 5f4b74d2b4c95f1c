"""`seed_demo`: create the demo retailers with orders and plans for today and tomorrow."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from lastmile.core.demo import Demo
from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import ACTIVE, HOUSE, find_retailer, registry, retailer_context
from lastmile.core.wiring import roll

MOST_ORDERS = 5_000


class Command(OperatorCommand):
    """Open the demo retailers (functions in OPEN_DEMO), then fill each one (SEED_DEMO)."""

    help = (
        "Create the demo: streets, two retailers, orders and plans for today and tomorrow. Run "
        "again, it adds only what is missing. On localhost only."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema``, ``--seed`` and ``--orders``."""
        super().add_arguments(parser)
        parser.add_argument(
            "--schema",
            action="append",
            default=[],
            help="only this demo retailer; may be repeated; default: all",
        )
        parser.add_argument(
            "--seed",
            type=int,
            default=1,
            help="seed of the random orders: the same seed gives the same orders; "
            "default: %(default)s",
        )
        parser.add_argument(
            "--orders",
            type=int,
            help=f"orders of each retailer and day, 1 to {MOST_ORDERS}; "
            "default: a number for each retailer",
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Create what is missing of the demo."""
        if not settings.LOCAL:
            raise CommandError(
                f"BASE_DOMAIN is {settings.BASE_DOMAIN}: the demo is for localhost only, because "
                "its passwords are in a file. Open a retailer with retailer_open instead."
            )
        if options["orders"] is not None and not 1 <= options["orders"] <= MOST_ORDERS:
            raise CommandError(f"Give --orders a number from 1 to {MOST_ORDERS}.")
        demo = Demo(
            schemas=tuple(options["schema"]),
            seed=options["seed"],
            orders=options["orders"],
            report=(self.stderr if options["json"] else self.stdout).write,
        )
        result: dict[str, Any] = {"seed": demo.seed, "retailers": {}}
        with retailer_context(HOUSE):
            for _app, act in roll("OPEN_DEMO"):
                result |= act(demo)
        for schema in registry().demos():
            ref = find_retailer(schema)
            if ref is not None and demo.means(schema) and ref.status == ACTIVE:
                with retailer_context(ref):
                    result["retailers"][schema] = {
                        app: dict(act(demo)) for app, act in roll("SEED_DEMO")
                    }
        return result

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return where the logins of the demo are kept."""
        return f"The demo is ready. Its logins are in {result['logins']}"

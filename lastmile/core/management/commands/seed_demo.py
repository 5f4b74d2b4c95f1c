"""`seed_demo`: the demo retailers with today's and tomorrow's orders, planned."""

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
    """Walks OPEN_DEMO, then SEED_DEMO in each demo retailer; run again it adds what is missing."""

    help = "Open the demo retailers, draw today's and tomorrow's orders, plan them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema``, ``--seed`` and ``--orders``."""
        super().add_arguments(parser)
        parser.add_argument("--schema", action="append", default=[], help="only this demo retailer")
        parser.add_argument("--seed", type=int, default=1, help="the same seed, the same orders")
        parser.add_argument(
            "--orders", type=int, help=f"orders a retailer and day, 1 to {MOST_ORDERS}"
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Sow the demo."""
        if not settings.LOCAL:
            raise CommandError(
                f"BASE_DOMAIN is {settings.BASE_DOMAIN}: the demo, whose passwords lie in a file, "
                "is for localhost only. Open a retailer with retailer_open instead."
            )
        if options["orders"] is not None and not 1 <= options["orders"] <= MOST_ORDERS:
            raise CommandError(f"--orders takes 1 to {MOST_ORDERS}.")
        demo = Demo(
            schemas=tuple(options["schema"]),
            seed=options["seed"],
            orders=options["orders"],
            report=(self.stderr if options["json"] else self.stdout).write,
        )
        result: dict[str, Any] = {"seed": demo.seed, "retailers": {}}
        with retailer_context(HOUSE):
            for _room, act in roll("OPEN_DEMO"):
                result |= act(demo)
        for schema in registry().demos():
            ref = find_retailer(schema)
            if ref is not None and demo.means(schema) and ref.status == ACTIVE:
                with retailer_context(ref):
                    result["retailers"][schema] = {
                        room: dict(act(demo)) for room, act in roll("SEED_DEMO")
                    }
        return result

    def summary(self, result: Mapping[str, Any]) -> str:
        """Say where to look."""
        return f"The demo is ready; its logins stand in {result['logins']}"

"""`erase_shopper`: erase the personal data of a shopper who asks for it."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.erasing import PersonQuery, erase_shopper
from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import retailer_context


class Command(OperatorCommand):
    """Erase a shopper from all apps in one transaction, with the functions in ERASE_SHOPPER."""

    help = (
        "Erase the names, contacts, addresses and notes of a shopper in all apps. Counts, money "
        "and times stay. Exit status 1 while an order of the shopper has not ended."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema``, ``--dry-run`` and the three ways to name the shopper."""
        super().add_arguments(parser)
        parser.add_argument(
            "--schema", required=True, help="schema of the retailer, such as t_acme"
        )
        person = parser.add_mutually_exclusive_group(required=True)
        person.add_argument("--shopper", default="", help="the shopper with this public id (shp_…)")
        person.add_argument("--email", default="", help="every shopper with this e-mail address")
        person.add_argument("--phone", default="", help="every shopper with this telephone number")
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be erased and erase nothing"
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Erase the shopper, or count what would be erased."""
        query = PersonQuery(
            shopper=options["shopper"], email=options["email"], phone=options["phone"]
        )
        with retailer_context(options["schema"], allow_suspended=True) as retailer:
            person, done = erase_shopper(query, dry_run=options["dry_run"])
        return {
            "schema": retailer.schema,
            "dry_run": options["dry_run"],
            "shoppers": list(person.shoppers),
            "orders": list(person.orders),
            "erased": done,
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return the shopper's id and the counts of what was erased; never a name."""
        head = "Would be erased" if result["dry_run"] else "Erased"
        lines = [f"{name}: {count}" for name, count in result["erased"].items() if count]
        orders = len(result["orders"])
        return "\n".join([f"{head}: {', '.join(result['shoppers'])} ({orders} orders)", *lines])

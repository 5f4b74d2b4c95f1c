"""`erase_shopper`: a shopper asks to be forgotten."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.erasing import PersonQuery, erase_shopper
from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import retailer_context


class Command(OperatorCommand):
    """Walks ERASE_SHOPPER in the switchboard: one function an app, in one transaction."""

    help = "Erase a shopper: names, contacts, addresses and notes go; counts and money stay."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add where, who and ``--dry-run``."""
        super().add_arguments(parser)
        parser.add_argument("--schema", required=True, help="the retailer's schema")
        who = parser.add_mutually_exclusive_group(required=True)
        who.add_argument("--shopper", default="", help="public id, shp_…")
        who.add_argument("--email", default="", help="everybody with this e-mail address")
        who.add_argument("--phone", default="", help="everybody with this telephone number")
        parser.add_argument("--dry-run", action="store_true", help="say what would be erased")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Erase, or only look."""
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
        """Say who it was by id, and what went; never a name."""
        head = "Would be erased" if result["dry_run"] else "Erased"
        lines = [f"{what}: {many}" for what, many in result["erased"].items() if many]
        orders = len(result["orders"])
        return "\n".join([f"{head}: {', '.join(result['shoppers'])} ({orders} orders)", *lines])

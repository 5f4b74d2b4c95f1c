"""``manage.py apikey_create --schema t_acme --role integration --json``."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import retailer_context
from tenants.people import services
from tenants.permissions import KeyRole


class Command(OperatorCommand):
    """Make an API key; it is printed once and kept nowhere in clear."""

    help = "Make an API key for a retailer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--schema, --role, and what the key is bound to."""
        super().add_arguments(parser)
        parser.add_argument("--schema", required=True)
        parser.add_argument("--role", required=True, choices=[role.value for role in KeyRole])
        parser.add_argument("--name", default="", help="default: the role")
        parser.add_argument("--ref", default="", help="id of the driver, bank or carrier it is for")
        parser.add_argument("--hub", action="append", help="limit to this hub; may be repeated")
        parser.add_argument(
            "--origin", action="append", default=[], help="checkout keys: a shop's origin"
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Make the key."""
        with retailer_context(options["schema"]):
            key, secret = services.create_key(
                name=options["name"] or f"{options['role']} (command line)",
                role=options["role"],
                hubs=options["hub"],
                ref=options["ref"],
                origins=options["origin"],
            )
        return {"id": key.public_id, "role": key.role, "key": secret}

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return the key alone, so that it can be taken straight into a variable."""
        return str(result["key"])

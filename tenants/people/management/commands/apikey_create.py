"""``manage.py apikey_create --schema t_acme --role integration``: create an API key."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import retailer_context
from tenants.people import services
from tenants.permissions import KeyRole


class Command(OperatorCommand):
    """Create an API key and print it; only its hash is stored."""

    help = (
        "Create an API key for a retailer. The key is printed once and cannot be shown again: only "
        "its hash is stored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema``, ``--role`` and the limits of the key."""
        super().add_arguments(parser)
        parser.add_argument(
            "--schema", required=True, help="schema of the retailer, such as t_acme"
        )
        parser.add_argument(
            "--role",
            required=True,
            choices=[role.value for role in KeyRole],
            help="role of the key: what it may do",
        )
        parser.add_argument("--name", default="", help="name of the key; default: the role")
        parser.add_argument(
            "--ref",
            default="",
            help="id of the driver, locker bank or carrier that uses the key; default: none",
        )
        parser.add_argument(
            "--hub", action="append", help="only this hub; may be repeated; default: all hubs"
        )
        parser.add_argument(
            "--origin",
            action="append",
            default=[],
            help="web origin of the shop, for checkout keys; may be repeated; default: none",
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Create the key."""
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
        """Return the key alone, so that a script can read it into a variable."""
        return str(result["key"])

"""``manage.py apikey_create --schema t_acme --role integration --json``."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lastmile.core.errors import DomainError
from lastmile.core.tenancy import NoRetailer, retailer_context
from tenants.people import services
from tenants.permissions import KeyRole


class Command(BaseCommand):
    """Make an API key; it is printed once and kept nowhere in clear."""

    help = "Make an API key for a retailer."

    def add_arguments(self, parser: CommandParser) -> None:
        """--schema, --role, and what the key is bound to."""
        parser.add_argument("--schema", required=True)
        parser.add_argument("--role", required=True, choices=[role.value for role in KeyRole])
        parser.add_argument("--name", default="", help="default: the role")
        parser.add_argument("--ref", default="", help="id of the driver, bank or carrier it is for")
        parser.add_argument("--hub", action="append", help="limit to this hub; may be repeated")
        parser.add_argument(
            "--origin", action="append", default=[], help="checkout keys: a shop's origin"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the key and print it."""
        try:
            with retailer_context(options["schema"]):
                key, secret = services.create_key(
                    name=options["name"] or f"{options['role']} (command line)",
                    role=options["role"],
                    hubs=options["hub"],
                    ref=options["ref"],
                    origins=options["origin"],
                )
        except (DomainError, NoRetailer) as fault:
            errors = getattr(fault, "errors", ())
            words = [str(fault), *(f"{e.pointer}: {e.detail}" for e in errors)]
            raise CommandError(" ".join(words)) from fault
        said = {"id": key.public_id, "role": key.role, "key": secret}
        self.stdout.write(json.dumps(said) if options["json"] else secret)

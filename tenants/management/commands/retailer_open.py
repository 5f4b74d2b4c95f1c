"""``manage.py retailer_open``: a new retailer with its host name."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import HOUSE, retailer_context
from tenants.links import origin
from tenants.policy import UNITS, Policy
from tenants.services import Opening, open_retailer


class Command(OperatorCommand):
    """Open a retailer now: names, tables, doors."""

    help = "Open a retailer: its names are taken, its tables made, its doors opened."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what a retailer is."""
        super().add_arguments(parser)
        parser.add_argument("--schema", required=True, help="name of its schema, such as t_acme")
        parser.add_argument(
            "--domain", required=True, help="host name; a word is put before BASE_DOMAIN"
        )
        parser.add_argument("--tz", required=True, help="IANA time zone")
        parser.add_argument("--currency", required=True, help="ISO 4217 code")
        parser.add_argument("--name", default="", help="what people call it (default: the domain)")
        parser.add_argument("--language", default="en", help="BCP 47 tag")
        parser.add_argument("--units", default="metric", choices=UNITS)
        parser.add_argument(
            "--sandbox",
            action="store_true",
            help="for trying out: its clock can be set (retailer_clock); for ever",
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Open it."""
        policy = Policy(
            name=options["name"] or options["domain"],
            zone=options["tz"],
            currency=options["currency"],
            language=options["language"],
            units=options["units"],
        )
        with retailer_context(HOUSE):
            ref = open_retailer(
                Opening(options["schema"], options["domain"], policy, is_sandbox=options["sandbox"])
            )
        return {
            "id": ref.public_id,
            "schema": ref.schema,
            "domain": ref.domain,
            "url": origin(ref) + "/",
            "status": ref.status,
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """Say where it is served."""
        return f"{result['schema']} ({result['id']}) is open at {result['url']}"

"""``manage.py retailer_open``: open a new retailer with its host name."""

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
    """Open a retailer: reserve its names, create its tables, serve its pages."""

    help = (
        "Open a retailer: reserve its schema and host name, create its tables and serve its pages. "
        "Then add its owner with member_create."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the facts of a retailer."""
        super().add_arguments(parser)
        parser.add_argument(
            "--schema", required=True, help="new schema of the retailer, such as t_acme"
        )
        parser.add_argument(
            "--domain", required=True, help="host name; a single word is put before BASE_DOMAIN"
        )
        parser.add_argument("--tz", required=True, help="IANA time zone, such as Europe/Madrid")
        parser.add_argument("--currency", required=True, help="ISO 4217 code, such as EUR")
        parser.add_argument("--name", default="", help="name of the retailer; default: the domain")
        parser.add_argument(
            "--language", default="en", help="BCP 47 tag, such as es; default: %(default)s"
        )
        parser.add_argument(
            "--units",
            default="metric",
            choices=UNITS,
            help="units of measure; default: %(default)s",
        )
        parser.add_argument(
            "--sandbox",
            action="store_true",
            help="a retailer for tests, whose clock can be set; this cannot be undone",
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Open the retailer, on behalf of the operator."""
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
        """Return the address of the retailer."""
        return f"{result['schema']} ({result['id']}) is open at {result['url']}"

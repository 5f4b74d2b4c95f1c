"""``manage.py retailer_close``."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import HOUSE, retailer_context
from tenants.services import close


class Command(OperatorCommand):
    """End a retailer: nobody enters, its names are free, its tables are kept aside."""

    help = "End a retailer: nobody enters, its names are free, its tables are kept aside."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add which, and how."""
        super().add_arguments(parser)
        parser.add_argument("--schema", required=True, help="name of its schema")
        parser.add_argument("--drop", action="store_true", help="drop the tables for good")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Do it, as the house."""
        with retailer_context(HOUSE):
            row = close(options["schema"], confirm=options["schema"], drop=options["drop"])
        return {"id": row.public_id, "schema": row.schema_name, "status": row.status}

    def summary(self, result: Mapping[str, Any]) -> str:
        """Say where it stands now."""
        return f"{result['id']} is {result['status']} (schema {result['schema']})"

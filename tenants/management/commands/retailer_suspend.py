"""``manage.py retailer_suspend``."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import HOUSE, retailer_context
from tenants.services import resume, suspend


class Command(OperatorCommand):
    """Shut a retailer's doors; its data stays. --resume opens them again."""

    help = "Shut a retailer's doors; its data stays. --resume opens them again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add which, and how."""
        super().add_arguments(parser)
        parser.add_argument("--schema", required=True, help="name of its schema")
        parser.add_argument("--resume", action="store_true", help="open the doors again")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Do it, as the house."""
        with retailer_context(HOUSE):
            act = resume if options["resume"] else suspend
            row = act(options["schema"])
        return {"id": row.public_id, "schema": row.schema_name, "status": row.status}

    def summary(self, result: Mapping[str, Any]) -> str:
        """Say where it stands now."""
        return f"{result['id']} is {result['status']} (schema {result['schema']})"

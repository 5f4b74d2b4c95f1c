"""``manage.py retailer_close``: close a retailer for good."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import HOUSE, retailer_context
from tenants.services import close


class Command(OperatorCommand):
    """Close a retailer; its tables are kept under another name, or deleted."""

    help = (
        "Close a retailer for good. Nobody can sign in, and its schema name and domain can be used "
        "again. Its tables are kept under another name, or deleted with --drop."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema`` and ``--drop``."""
        super().add_arguments(parser)
        parser.add_argument(
            "--schema", required=True, help="schema of the retailer, such as t_acme"
        )
        parser.add_argument(
            "--drop", action="store_true", help="delete the tables; this cannot be undone"
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Close the retailer, on behalf of the operator."""
        with retailer_context(HOUSE):
            row = close(options["schema"], confirm=options["schema"], drop=options["drop"])
        return {"id": row.public_id, "schema": row.schema_name, "status": row.status}

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return the new status of the retailer."""
        return f"{result['id']} is {result['status']} (schema {result['schema']})"

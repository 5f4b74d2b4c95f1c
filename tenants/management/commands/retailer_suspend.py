"""``manage.py retailer_suspend``: suspend a retailer, or end its suspension."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import HOUSE, retailer_context
from tenants.services import resume, suspend


class Command(OperatorCommand):
    """Suspend a retailer, or resume it; its data stays."""

    help = (
        "Suspend a retailer: its pages and its API answer 503, and its data stays. --resume ends "
        "the suspension."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema`` and ``--resume``."""
        super().add_arguments(parser)
        parser.add_argument(
            "--schema", required=True, help="schema of the retailer, such as t_acme"
        )
        parser.add_argument("--resume", action="store_true", help="end the suspension")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Suspend or resume the retailer, on behalf of the operator."""
        with retailer_context(HOUSE):
            act = resume if options["resume"] else suspend
            row = act(options["schema"])
        return {"id": row.public_id, "schema": row.schema_name, "status": row.status}

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return the new status of the retailer."""
        return f"{result['id']} is {result['status']} (schema {result['schema']})"

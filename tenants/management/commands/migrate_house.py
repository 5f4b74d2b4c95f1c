"""``manage.py migrate_house``: every schema to the code's migrations."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from lastmile.core.management.base import OperatorCommand
from tenants.services import migrate_house, pending_migrations


class Command(OperatorCommand):
    """Migrate public, the template, the house and every retailer; does nothing twice."""

    help = "Migrate every schema. Safe to repeat; --check only tells what is behind."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--check``."""
        super().add_arguments(parser)
        parser.add_argument("--check", action="store_true", help="exit 1 if a schema is behind")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Migrate, or only look."""
        if not options["check"]:
            return {"migrated": migrate_house()}
        behind = pending_migrations()
        if behind:
            listed = "; ".join(f"{schema}: {', '.join(lacks)}" for schema, lacks in behind.items())
            raise CommandError(f"Behind: {listed}. Run migrate_house.")
        return {"behind": {}}

    def summary(self, result: Mapping[str, Any]) -> str:
        """Name the schemas in which something was done."""
        if "behind" in result:
            return "Every schema is at the code's migrations."
        done = {schema: names for schema, names in result["migrated"].items() if names}
        lines = [f"{schema}: {len(names)} migrations" for schema, names in done.items()]
        return "\n".join([*lines, f"{len(result['migrated'])} schemas are up to date."])

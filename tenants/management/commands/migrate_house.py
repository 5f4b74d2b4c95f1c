"""``manage.py migrate_house``: apply the migrations of the code to every schema."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from lastmile.core.management.base import OperatorCommand
from tenants.services import migrate_house, pending_migrations


class Command(OperatorCommand):
    """Migrate the public schema, the template, the operator's schema and every retailer."""

    help = (
        "Migrate the public schema, the template, the operator's schema and every retailer. Can be "
        "repeated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--check``."""
        super().add_arguments(parser)
        parser.add_argument(
            "--check",
            action="store_true",
            help="only list the schemas that are behind, with exit status 1",
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Migrate, or only check."""
        if not options["check"]:
            return {"migrated": migrate_house()}
        behind = pending_migrations()
        if behind:
            listed = "; ".join(f"{schema}: {', '.join(lacks)}" for schema, lacks in behind.items())
            raise CommandError(
                f"Schemas without the newest migrations: {listed}. Run migrate_house."
            )
        return {"behind": {}}

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return the schemas that were migrated, with their number of migrations."""
        if "behind" in result:
            return "Every schema is up to date."
        done = {schema: names for schema, names in result["migrated"].items() if names}
        lines = [f"{schema}: {len(names)} migrations" for schema, names in done.items()]
        return "\n".join([*lines, f"{len(result['migrated'])} schemas are up to date."])

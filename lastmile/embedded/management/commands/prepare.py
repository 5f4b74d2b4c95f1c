"""``manage.py prepare``: what must be true before the first request."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, call_command, get_commands


class Command(BaseCommand):
    """Migrate every schema, run the boot checks."""

    help = "Migrate every schema and check (run by `up` at each start)."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Run them; the first does nothing where nothing has changed."""
        migrate = "migrate_house" if "migrate_house" in get_commands() else "migrate_schemas"
        call_command(migrate, verbosity=0)
        # Once for all children, after the migrations: some compare the schemas' tables.
        call_command("check", databases=["default"])

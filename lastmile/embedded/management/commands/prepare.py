"""``manage.py prepare``: migrate and check before the first request."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, call_command, get_commands


class Command(BaseCommand):
    """Migrate every schema and run the start-up checks."""

    help = "Migrate every schema and run the start-up checks. `up` does this at each start."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the migrations, if there are new ones, and then the start-up checks."""
        migrate = "migrate_house" if "migrate_house" in get_commands() else "migrate_schemas"
        call_command(migrate, verbosity=0)
        # The checks run here once, so that no child repeats them. They run after the migrations,
        # because some compare the tables of the schemas.
        call_command("check", databases=["default"])

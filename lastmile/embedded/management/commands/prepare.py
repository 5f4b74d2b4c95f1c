"""``manage.py prepare``: what must be true before the first request."""

from __future__ import annotations

from typing import Any

from django.core.management import BaseCommand, call_command, get_commands


class Command(BaseCommand):
    """Migrate the shared tables and every retailer's schema, then gather the static files."""

    help = "Migrate every schema and gather the static files (run by `up` at each start)."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """Run both; each does nothing where nothing has changed."""
        migrate = "migrate_house" if "migrate_house" in get_commands() else "migrate_schemas"
        call_command(migrate, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)

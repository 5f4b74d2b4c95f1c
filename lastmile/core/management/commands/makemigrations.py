"""`makemigrations`, run with the shared tables, whose migration history Django compares."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import makemigrations

from lastmile.core.tenancy import shared_context


class Command(makemigrations.Command):
    """Django's command, run inside ``shared_context()``."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Open the shared tables, then run Django's command."""
        with shared_context():
            super().handle(*args, **options)

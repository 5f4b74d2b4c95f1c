"""`makemigrations` reads the ledger to compare histories: that of the shared tables."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import makemigrations

from lastmile.core.tenancy import shared_context


class Command(makemigrations.Command):
    """Django's own, inside shared_context()."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Open the shared tables, then do as Django does."""
        with shared_context():
            super().handle(*args, **options)

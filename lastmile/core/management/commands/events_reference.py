"""`events_reference [--write]`: the page of all event kinds, made from their declarations."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.errors import Conflict
from lastmile.core.events_reference import PAGE, reference
from lastmile.core.management.base import OperatorCommand


class Command(OperatorCommand):
    """Check whether lastmile/docs/events.md is up to date, or write it."""

    help = (
        "Check whether lastmile/docs/events.md is up to date (exit status 1 if not), or write it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--write``."""
        super().add_arguments(parser)
        parser.add_argument(
            "--write", action="store_true", help="write the page instead of checking it"
        )

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Write the page, or compare it with the declarations."""
        text = reference()
        if options["write"]:
            PAGE.write_text(text, encoding="utf-8")
        elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            raise Conflict("lastmile/docs/events.md is outdated. Run events_reference --write.")
        return {"page": "lastmile/docs/events.md", "current": True}

"""`events_reference [--write]`: the page of all kinds of events, made from their declarations."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from lastmile.core.errors import Conflict
from lastmile.core.events_reference import PAGE, reference
from lastmile.core.management.base import OperatorCommand


class Command(OperatorCommand):
    """Writes lastmile/docs/events.md, or tells whether it is current."""

    help = "Tell whether lastmile/docs/events.md is current, or write it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--write``."""
        super().add_arguments(parser)
        parser.add_argument("--write", action="store_true", help="write the page")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Write or compare."""
        text = reference()
        if options["write"]:
            PAGE.write_text(text, encoding="utf-8")
        elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            raise Conflict("lastmile/docs/events.md is not current. Run events_reference --write.")
        return {"page": "lastmile/docs/events.md", "current": True}

"""The base class of most commands: the option ``--json``, and errors as sentences."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from lastmile.core.errors import DomainError
from lastmile.core.tenancy import NoRetailer


class OperatorCommand(BaseCommand):
    """A command with ``work(**options) -> Mapping`` and ``summary(result) -> str``.

    Prints the summary, or with ``--json`` the mapping as one line. A DomainError ends the command
    with its message and exit status 1.
    """

    requires_system_checks = ()  # `prepare` runs them, once, at every start

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--json``; call it from an overriding method."""
        parser.add_argument(
            "--json", action="store_true", help="print the result as one JSON object"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run ``work`` and print its result."""
        try:
            result = self.work(**options)
        except DomainError as refusal:
            raise CommandError(" ".join([refusal.detail, *_details(refusal)])) from refusal
        except NoRetailer as unknown:
            raise CommandError(str(unknown)) from unknown
        self.stdout.write(json.dumps(result) if options["json"] else self.summary(result))

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Do the work and return the result; a subclass defines it."""
        raise NotImplementedError

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return the result as lines of text."""
        return "\n".join(f"{name}: {value}" for name, value in result.items())


def _details(refusal: DomainError) -> list[str]:
    return [f"{problem.pointer}: {problem.detail}" for problem in refusal.errors]

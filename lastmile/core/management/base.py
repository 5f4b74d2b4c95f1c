"""What every command of the house does alike: ``--json``, and refusals as sentences."""

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

    With ``--json`` the mapping is printed as one line; a refusal exits with 1 and its sentence.
    """

    requires_system_checks = ()  # `prepare` runs them, once, at every start

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--json``; call it from an overriding method."""
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work, then print what came of it."""
        try:
            result = self.work(**options)
        except DomainError as refusal:
            raise CommandError(" ".join([refusal.detail, *_details(refusal)])) from refusal
        except NoRetailer as unknown:
            raise CommandError(str(unknown)) from unknown
        self.stdout.write(json.dumps(result) if options["json"] else self.summary(result))

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Do what the command is for."""
        raise NotImplementedError

    def summary(self, result: Mapping[str, Any]) -> str:
        """Return the result in words."""
        return "\n".join(f"{name}: {value}" for name, value in result.items())


def _details(refusal: DomainError) -> list[str]:
    return [f"{problem.pointer}: {problem.detail}" for problem in refusal.errors]

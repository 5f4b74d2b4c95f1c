"""``manage.py child NAME``: run one process of the installation, for containers and systemd."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand

from lastmile.embedded.app_processes import ProcessSettings


class Command(BaseCommand):
    """Become the web server, a worker or beat, with the same options as under `up`."""

    help = (
        "Run one process of the installation, for containers and systemd: web (the web server), "
        "worker, solve, bulk and send (workers) or beat (the scheduler)."
    )
    requires_system_checks = ()  # `prepare` runs them

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the argument NAME."""
        parser.add_argument(
            "name",
            choices=["web", "worker", "solve", "bulk", "send", "beat"],
            help="the process to run",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace this process by the child, so that signals and exit status are the child's."""
        processes = ProcessSettings.from_environment(settings.VAR, settings.PORT)
        specs = {
            spec.name: spec for spec in (processes.web(), *processes.workers(), processes.beat())
        }
        spec = specs[options["name"]]
        os.execve(spec.argv[0], list(spec.argv), dict(spec.env or os.environ))  # noqa: S606

"""``orders_import FILE --schema t_acme``: import a file of orders and wait for the result."""

from __future__ import annotations

import datetime as dt
import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from dispatch.fleet.models import Hub
from dispatch.intake import selectors
from dispatch.intake.models import ImportBatch
from dispatch.intake.services import receive_file
from lastmile.core.errors import DomainError
from lastmile.core.tenancy import NoRetailer, retailer_context
from lastmile.core.waiting import StillRunning, wait_for_job


class Command(BaseCommand):
    """Import a file of orders with the same service as the page and the API."""

    help = (
        "Import orders from a CSV or XLSX file. Prints the counts, the first 20 refused rows and "
        "the first 20 warnings. Exit status 1 if the file cannot be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="path of a .csv or .xlsx file")
        parser.add_argument(
            "--schema", required=True, help="schema of the retailer, such as t_acme"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="preview: show the result and save nothing"
        )
        parser.add_argument(
            "--hub",
            default="",
            help="public id, external id or name of the hub for rows that name none; "
            "default: the hub is chosen by the address",
        )
        parser.add_argument(
            "--date",
            default=None,
            type=dt.date.fromisoformat,
            metavar="YYYY-MM-DD",
            help="service date of rows that give none; default: no date",
        )
        parser.add_argument(
            "--timeout",
            type=int,
            default=600,
            metavar="SECONDS",
            help="longest wait for the import, in seconds; default: %(default)s",
        )
        parser.add_argument(
            "--json", action="store_true", help="print the result as one JSON object"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            content = options["file"].read_bytes()
        except OSError as fault:
            raise CommandError(f"{options['file']} cannot be read: {fault.strerror}.") from fault
        try:
            with retailer_context(options["schema"]):
                self._import(content, options)
        except (DomainError, NoRetailer, StillRunning) as fault:
            raise CommandError(str(fault)) from fault

    def _import(self, content: bytes, options: dict[str, Any]) -> None:
        batch = receive_file(
            content=content,
            filename=options["file"].name,
            dry_run=options["dry_run"],
            hub=_hub(options["hub"]),
            service_date=options["date"],
        )
        wait_for_job(batch.job, timeout_s=options["timeout"])
        batch.refresh_from_db()
        if options["json"]:
            self.stdout.write(json.dumps(_facts(batch)))
        else:
            self._print(batch)
        if batch.state != ImportBatch.State.DONE:
            raise CommandError(selectors.file_problem(batch) or "The import failed. Try again.")

    def _print(self, batch: ImportBatch) -> None:
        for name, value in _facts(batch).items():
            self.stdout.write(f"{name:>16}  {value}")
        for number, _cells, faults in selectors.refused_rows(batch, most=20):
            self.stdout.write(f"row {number}: {' · '.join(faults)}")
        for number, order, words in selectors.warnings(batch, most=20):
            self.stdout.write(f"row {number} ({order}), imported with a warning: {words}")


def _hub(name: str) -> Hub | None:
    if not name:
        return None
    hub = Hub.objects.filter(Q(public_id=name) | Q(external_id=name) | Q(name=name)).first()
    if hub is None:
        raise CommandError(f"There is no hub {name!r}. Give its id, external id or name.")
    return hub


def _facts(batch: ImportBatch) -> dict[str, Any]:
    return {
        "import": batch.public_id,
        "state": batch.state,
        "dry_run": batch.dry_run,
        "rows": batch.rows_count,
        "created": batch.created_count,
        "updated": batch.updated_count,
        "unchanged": batch.unchanged_count,
        "refused": batch.refused_count,
        "needs_pin": batch.needs_pin_count,
        "warned": batch.warned_count,
        "changes": batch.changes,
        "unknown_headings": batch.unknown_headings,
        "problem": selectors.file_problem(batch),
    }

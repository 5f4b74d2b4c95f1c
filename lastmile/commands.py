"""The list of Lastmile's commands that ``manage.py help`` prints, with an example of each."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from textwrap import fill, indent
from typing import Any

from django.core.management import BaseCommand, ManagementUtility, get_commands
from django.core.management.base import DjangoHelpFormatter
from django.core.management.color import color_style


@dataclass(frozen=True, slots=True)
class Entry:
    """A command in the list: its purpose, and an example call without ``manage.py``."""

    line: str
    example: str


GROUPS: dict[str, dict[str, Entry]] = {
    "Daily use": {
        "up": Entry("run everything until Ctrl-C", "up --demo"),
        "seed_demo": Entry("create the demo retailers, orders and plans", "seed_demo --orders 200"),
        "orders_import": Entry(
            "import orders from a CSV or XLSX file",
            "orders_import orders.csv --schema t_acme --date 2026-11-23 --dry-run",
        ),
        "plan": Entry(
            "plan a hub's day",
            'plan --schema t_acme --hub "North hub" --date 2026-11-23 --seconds 30 --wait',
        ),
        "member_create": Entry(
            "add a member to a retailer",
            "member_create --schema t_acme --role owner --email ana@acme.example",
        ),
        "apikey_create": Entry(
            "create an API key for a retailer",
            'apikey_create --schema t_acme --role integration --name "Web shop"',
        ),
        "driver_login": Entry(
            "log a driver's phone in to the driver's app",
            'driver_login --schema t_acme --driver "Ana Salinas"',
        ),
    },
    "Operator": {
        "retailer_open": Entry(
            "open a new retailer",
            "retailer_open --schema t_acme --domain acme --tz America/Santiago --currency CLP",
        ),
        "retailer_suspend": Entry(
            "suspend a retailer, or end its suspension", "retailer_suspend --schema t_acme"
        ),
        "retailer_close": Entry("close a retailer for good", "retailer_close --schema t_acme"),
        "retailer_clock": Entry(
            "show a retailer's clock, or set that of a sandbox",
            "retailer_clock --schema t_test --at 2026-11-23T08:00Z --rate 60",
        ),
        "roads_build": Entry(
            "build a street network from map data",
            'roads_build chile.osm.pbf --name chile --title "Chile"',
        ),
        "prepare": Entry("migrate every schema and run the start-up checks", "prepare"),
        "migrate_house": Entry("migrate every schema", "migrate_house --check"),
        "child": Entry("run one process of the installation, for containers", "child web"),
        "deliveries_revive": Entry(
            "retry event deliveries that failed too often",
            "deliveries_revive --schema t_acme --kind order.placed --dry-run",
        ),
        "erase_shopper": Entry(
            "erase a shopper's personal data on request",
            "erase_shopper --schema t_acme --email ana@mail.example --dry-run",
        ),
        "forget": Entry("delete data older than its retention time", "forget --all"),
        "fieldkeys_rotate": Entry(
            "encrypt all secrets again with the first field key", "fieldkeys_rotate --all"
        ),
        "invariants": Entry("check the rules that the data must satisfy", "invariants --all"),
        "ledger": Entry("list the ids, states and counts of a retailer", "ledger --schema t_acme"),
    },
    "Development": {
        "events_reference": Entry(
            "check or write the page of all event kinds", "events_reference --write"
        ),
        "makemigrations": Entry("write new migrations (Django's command)", "makemigrations orders"),
    },
}
ENTRIES = {name: entry for group in GROUPS.values() for name, entry in group.items()}


class _Formatter(DjangoHelpFormatter):
    """Django's help, with the lines of an example kept as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("Example:"):
            return text
        return super()._fill_text(text, width, indent)


class Commands(ManagementUtility):
    """Django's command line; its ``help`` lists Lastmile's commands first, each with an example."""

    def main_help_text(self, commands_only: bool = False) -> str:
        """Return the list of commands: Lastmile's by group, then Django's and its packages'."""
        if commands_only:
            return super().main_help_text(commands_only=True)
        style = color_style()
        lines = [f"Type '{self.prog_name} help COMMAND' for the options of a command."]
        width = max(map(len, ENTRIES))
        for group, entries in GROUPS.items():
            lines += ["", style.NOTICE(group)]
            lines += [f"  {name:<{width}}  {entry.line}" for name, entry in entries.items()]
        others = " ".join(sorted(set(get_commands()) - set(ENTRIES)))
        return "\n".join(
            [*lines, "", style.NOTICE("Django and its packages"), indent(fill(others, 78), "  ")]
        )

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Return a command; if it is in the list, its help ends with the example."""
        command = super().fetch_command(subcommand)
        entry = ENTRIES.get(subcommand)
        if entry is not None:
            create: Any = partial(
                command.create_parser,
                epilog=f"Example:\n  {self.prog_name} {entry.example}",
                formatter_class=_Formatter,
            )
            command.create_parser = create  # type: ignore[method-assign]
        return command


def execute(argv: list[str] | None = None) -> None:
    """Run the command that the command line names."""
    Commands(argv or sys.argv).execute()

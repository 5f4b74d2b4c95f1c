"""``manage.py member_create --schema t_acme --role owner --email ana@acme.example``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from lastmile.core.errors import DomainError
from lastmile.core.tenancy import NoRetailer, retailer_context
from tenants.people import links, services
from tenants.permissions import Role


class Command(BaseCommand):
    """Let somebody in; without --password-file the answer holds a link to set a password."""

    help = "Let a member into a retailer."

    def add_arguments(self, parser: CommandParser) -> None:
        """--schema, --role, --email, and what else a member is."""
        parser.add_argument("--schema", required=True)
        parser.add_argument("--role", required=True, choices=[role.value for role in Role])
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="", help="default: the e-mail's first part")
        parser.add_argument("--hub", action="append", help="limit to this hub; may be repeated")
        parser.add_argument("--language", default="")
        parser.add_argument("--password-file", help="file with the password; - is standard input")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Add the member and say so."""
        try:
            password = _read(options["password_file"])
            with retailer_context(options["schema"]):
                member = services.add_member(
                    email=options["email"],
                    name=options["name"] or options["email"].partition("@")[0],
                    role=options["role"],
                    hubs=options["hub"],
                    language=options["language"],
                    password=password,
                )
                link = None if password else links.set_password_url(member)
        except (DomainError, NoRetailer, OSError) as fault:
            raise CommandError(_words(fault)) from fault
        said = {"id": member.public_id, "email": member.email, "role": member.role}
        if link:
            said["set_password_url"] = link
        self.stdout.write(
            json.dumps(said)
            if options["json"]
            else f"{member.email} is in as {member.role} ({member.public_id})."
            + (f"\nSet a password within 72 hours: {link}" if link else "")
        )


def _read(path: str | None) -> str | None:
    if path is None:
        return None
    text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    return text.rstrip("\r\n")


def _words(fault: Exception) -> str:
    errors = getattr(fault, "errors", ())
    return " ".join([str(fault), *(f"{e.pointer}: {e.detail}" for e in errors)])

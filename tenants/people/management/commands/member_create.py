"""``manage.py member_create --schema t_acme --role owner --email ana@acme.example``."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from lastmile.core.management.base import OperatorCommand
from lastmile.core.tenancy import retailer_context
from tenants.people import links, services
from tenants.permissions import Role


class Command(OperatorCommand):
    """Let somebody in; without --password-file the answer holds a link to set a password."""

    help = "Let a member into a retailer."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """--schema, --role, --email, and what else a member is."""
        super().add_arguments(parser)
        parser.add_argument("--schema", required=True)
        parser.add_argument("--role", required=True, choices=[role.value for role in Role])
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="", help="default: the e-mail's first part")
        parser.add_argument("--hub", action="append", help="limit to this hub; may be repeated")
        parser.add_argument("--language", default="")
        parser.add_argument("--password-file", help="file with the password; - is standard input")

    def work(self, **options: Any) -> Mapping[str, Any]:
        """Add the member."""
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
        made = {"id": member.public_id, "email": member.email, "role": member.role}
        return made | ({"set_password_url": link} if link else {})


def _read(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise CommandError(f"--password-file {path}: {fault}") from fault
    return text.rstrip("\r\n")

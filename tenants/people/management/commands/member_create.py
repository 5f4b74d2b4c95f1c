"""``manage.py member_create --schema t_acme --role owner --email …``: add a member."""

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
    """Add a member; without ``--password-file`` the result has a link to set the password."""

    help = (
        "Add a member to a retailer. Without --password-file, prints a link to set the password: "
        "send it to the person."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``--schema``, ``--role``, ``--email`` and the other facts of a member."""
        super().add_arguments(parser)
        parser.add_argument(
            "--schema", required=True, help="schema of the retailer, such as t_acme"
        )
        parser.add_argument(
            "--role",
            required=True,
            choices=[role.value for role in Role],
            help="role of the member: what the person may do",
        )
        parser.add_argument("--email", required=True, help="e-mail address to sign in with")
        parser.add_argument(
            "--name", default="", help="name of the member; default: the first part of the e-mail"
        )
        parser.add_argument(
            "--hub", action="append", help="only this hub; may be repeated; default: all hubs"
        )
        parser.add_argument(
            "--language", default="", help="en or es; default: the language of the browser"
        )
        parser.add_argument(
            "--password-file",
            metavar="FILE",
            help="file with the password, or - for standard input; default: a link",
        )

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
        result = {"id": member.public_id, "email": member.email, "role": member.role}
        return result | ({"set_password_url": link} if link else {})


def _read(path: str | None) -> str | None:
    if path is None:
        return None
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise CommandError(f"--password-file {path}: {fault}") from fault
    return text.rstrip("\r\n")

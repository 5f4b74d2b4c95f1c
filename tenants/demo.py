"""The retailers and members of the demo; their passwords are written to a private file."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from lastmile.core.demo import Demo
from lastmile.core.errors import Conflict, Invalid
from lastmile.core.private_files import write_private
from lastmile.core.tenancy import HOUSE, RetailerRef, retailer_context
from tenants import selectors
from tenants.links import origin
from tenants.models import Status
from tenants.people.models import Member
from tenants.people.services import add_member, password_link_token, set_password_by_link
from tenants.permissions import Role
from tenants.policy import Brand, Policy
from tenants.services import Opening, open_retailer

OPENINGS: Final = {
    "verdura": Opening(
        schema="verdura",
        domain="verdura",
        policy=Policy(
            name="Verdura Fresca",
            zone="America/Santiago",
            currency="CLP",
            language="es",
            brand=Brand(hue=145),
        ),
        is_demo=True,
    ),
    "faro": Opening(
        schema="faro",
        domain="faro",
        policy=Policy(
            name="Librería Faro",
            zone="America/Santiago",
            currency="CLP",
            brand=Brand(hue=255),
        ),
        is_demo=True,
    ),
}
_HEAD = """\
# Demo sign-ins with random passwords. Only the owner of this file can read it.
# address, role, e-mail, password
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A member of the demo, who can sign in."""

    schema: str
    email: str
    name: str
    role: Role


_LOGINS: Final = (
    Login(schema=HOUSE, email="operator@lastmile.example", name="Operator", role=Role.OWNER),
    Login(schema="verdura", email="owner@verdura.example", name="Elena Rojas", role=Role.OWNER),
    Login(
        schema="verdura",
        email="dispatcher@verdura.example",
        name="Tomás Araya",
        role=Role.DISPATCHER,
    ),
    Login(schema="verdura", email="reader@verdura.example", name="Inés Vega", role=Role.READONLY),
    Login(schema="faro", email="owner@faro.example", name="Clara Muñoz", role=Role.OWNER),
    Login(schema="faro", email="dispatcher@faro.example", name="Hugo Pinto", role=Role.DISPATCHER),
    Login(schema="faro", email="reader@faro.example", name="Rosa Tapia", role=Role.READONLY),
)


def logins_file() -> Path:
    """Return the path of the file with the demo's passwords."""
    path: Path = settings.VAR / "demo-logins.txt"
    return path


def logins_path() -> str:
    """Return the path of the passwords file for display, relative to the project if inside it."""
    file = logins_file()
    inside = file.is_relative_to(settings.BASE_DIR)
    return str(file.relative_to(settings.BASE_DIR) if inside else file)


def login_of(schema: str) -> str:
    """Return the e-mail of a demo retailer's dispatcher, "" if there is none."""
    emails = (p.email for p in _LOGINS if p.schema == schema and p.role == Role.DISPATCHER)
    return next(emails, "")


def open_demo(demo: Demo) -> Mapping[str, Any]:
    """Open the demo retailers and add their members. Call it in the operator's schema.

    Existing retailers and passwords stay as they are. Records: retailer.opened and audit entries.
    Raises: Invalid for an unknown demo schema; Conflict if a retailer with a demo's schema name
    is not a demo.
    """
    for schema in demo.schemas:
        if schema not in OPENINGS:
            raise Invalid(
                _("There is no demo retailer %(schema)s. Choose from: %(known)s.")
                % {"schema": schema, "known": ", ".join(OPENINGS)}
            )
    refs = {HOUSE: _existing(HOUSE)}
    for schema, opening in OPENINGS.items():
        if demo.means(schema) or selectors.find(schema) is not None:
            refs[schema] = _open_if_missing(opening, demo)
    _add_members(refs)
    return {"logins": str(logins_file())}


def _existing(schema: str) -> RetailerRef:
    ref = selectors.find(schema)
    if ref is None:
        raise Invalid(_("This installation is not ready. Run `manage.py migrate_house`."))
    return ref


def _open_if_missing(opening: Opening, demo: Demo) -> RetailerRef:
    ref = selectors.find(opening.schema)
    if ref is not None and opening.schema not in selectors.demos():
        raise Conflict(
            _("The retailer %(schema)s is not a demo. Close it, or continue without the demo.")
            % {"schema": opening.schema}
        )
    if ref is None:
        demo.report(f"Opening {opening.policy.name}.")
        ref = open_retailer(opening)
    if ref.status != Status.ACTIVE:
        demo.report(f"{ref.name} stays {ref.status}.")
    return ref


def _add_members(refs: Mapping[str, RetailerRef]) -> None:
    """Write the passwords file, then add the members.

    The file comes first, so that no member ever has a password that nobody can read.
    """
    stored = _passwords()
    fresh = {login.email: _random_password() for login in _LOGINS if login.email not in stored}
    passwords = stored | fresh
    logins = [login for login in _LOGINS if login.schema in refs]
    lines = [
        f"{origin(refs[login.schema])}/  "
        f"{login.role.value}  {login.email}  {passwords[login.email]}\n"
        for login in logins
    ]
    write_private(logins_file(), (_HEAD + "".join(lines)).encode())
    for login in logins:
        if refs[login.schema].status == Status.ACTIVE:
            with retailer_context(refs[login.schema]):
                _add_member(
                    login,
                    passwords[login.email],
                    language=refs[login.schema].language,
                    is_new=login.email in fresh,
                )


def _add_member(login: Login, password: str, *, language: str, is_new: bool) -> None:
    """Add a member in the retailer's language, or set a new password if the file was lost."""
    member = Member.objects.filter(email__iexact=login.email).first()
    if member is None:
        add_member(
            email=login.email,
            name=login.name,
            role=login.role.value,
            language=language,
            password=password,
        )
    elif is_new and member.active:  # the file was lost, and the old password with it
        set_password_by_link(token=password_link_token(member), password=password)


def _passwords() -> dict[str, str]:
    file = logins_file()
    if not file.exists():
        return {}
    rows = (
        line.split()
        for line in file.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    )
    return {row[2]: row[3] for row in rows if len(row) == 4}


def _random_password() -> str:
    return "-".join(secrets.token_hex(2) for _part in range(4))

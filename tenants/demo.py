"""The demo's retailers and who may enter them: opened, with passwords in a file for one reader."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from lastmile.core.demo import Demo
from lastmile.core.errors import Conflict, Invalid
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
    """One member of the demo."""

    schema: str
    email: str
    name: str
    role: Role


_PEOPLE: Final = (
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
    """Where the demo's passwords stand."""
    found: Path = settings.VAR / "demo-logins.txt"
    return found


def logins_path() -> str:
    """Return where that file is, for people: short when it is inside the project's folder."""
    file = logins_file()
    inside = file.is_relative_to(settings.BASE_DIR)
    return str(file.relative_to(settings.BASE_DIR) if inside else file)


def login_of(schema: str) -> str:
    """The e-mail of a demo retailer's dispatcher; empty for a retailer that has none."""
    found = (p.email for p in _PEOPLE if p.schema == schema and p.role == Role.DISPATCHER)
    return next(found, "")


def open_demo(demo: Demo) -> Mapping[str, Any]:
    """Open the demo retailers and let their people in. Stands in the house.

    A retailer that is there stays as it is, and so does a password. Records: retailer.opened and
    audit entries. Raises: Invalid for a schema that is no demo; Conflict where a retailer of that
    name is no demo.
    """
    for schema in demo.schemas:
        if schema not in OPENINGS:
            raise Invalid(
                _("There is no demo retailer %(schema)s. Choose from: %(known)s.")
                % {"schema": schema, "known": ", ".join(OPENINGS)}
            )
    refs = {HOUSE: _known(HOUSE)}
    for schema, opening in OPENINGS.items():
        if demo.means(schema) or selectors.find(schema) is not None:
            refs[schema] = _opened(opening, demo)
    _let_in(refs)
    return {"logins": str(logins_file())}


def _known(schema: str) -> RetailerRef:
    ref = selectors.find(schema)
    if ref is None:
        raise Invalid(_("This installation is not ready. Run `manage.py migrate_house`."))
    return ref


def _opened(opening: Opening, demo: Demo) -> RetailerRef:
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


def _let_in(refs: Mapping[str, RetailerRef]) -> None:
    """Write the file first: a password that nobody knows lets nobody in."""
    known = _passwords()
    fresh = {who.email: _password() for who in _PEOPLE if who.email not in known}
    passwords = known | fresh
    people = [who for who in _PEOPLE if who.schema in refs]
    lines = [
        f"{origin(refs[who.schema])}/  {who.role.value}  {who.email}  {passwords[who.email]}\n"
        for who in people
    ]
    _write(logins_file(), _HEAD + "".join(lines))
    for who in people:
        if refs[who.schema].status == Status.ACTIVE:
            with retailer_context(refs[who.schema]):
                _ensure(
                    who,
                    passwords[who.email],
                    language=refs[who.schema].language,
                    is_new=who.email in fresh,
                )


def _ensure(who: Login, password: str, *, language: str, is_new: bool) -> None:
    """Add a member who reads the retailer's language, or set a new password for a lost one."""
    member = Member.objects.filter(email__iexact=who.email).first()
    if member is None:
        add_member(
            email=who.email,
            name=who.name,
            role=who.role.value,
            language=language,
            password=password,
        )
    elif is_new and member.active:  # the file was lost, and with it the old one
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


def _password() -> str:
    return "-".join(secrets.token_hex(2) for _part in range(4))


def _write(file: Path, text: str) -> None:
    """Replace the file whole; it is closed to others before a word stands in it."""
    with _beside(file) as (handle, draft):
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)


@contextlib.contextmanager
def _beside(file: Path) -> Iterator[tuple[int, Path]]:
    handle, name = tempfile.mkstemp(prefix=".logins-", dir=file.parent)  # mkstemp: mode 600
    try:
        yield handle, Path(name)
    finally:
        Path(name).unlink(missing_ok=True)

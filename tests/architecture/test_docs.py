"""The documents agree with the code: links, commands, variables, addresses, resources."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from dispatch.console.board.handlers import INCIDENTS, REPLIES
from dispatch.live.services import POSITIONS
from lastmile.core.checks import views
from tests.architecture.source import PACKAGES, ROOT

DOCS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not {".venv", "node_modules", "var", "vendor"} & set(path.relative_to(ROOT).parts)
)
ENVIRONMENT = ROOT / "lastmile/docs/environment.md"
COMMANDS = ROOT / "lastmile/docs/commands.md"
OWN = {
    name
    for name, app in get_commands().items()
    if isinstance(app, str) and app.split(".")[0] in PACKAGES
}
# Read by libraries or by the tests and tools, not by the settings.
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "PATH", "PIP_INDEX_URL", "SKIP_CHECKS", "PYTHONUNBUFFERED"}


def named(doc: Path) -> str:
    return str(doc.relative_to(ROOT))


@cache
def code() -> str:
    files = [*ROOT.glob("manage.py"), ROOT / "tests/chromium.py", ROOT / "tests/shared.py"]
    for package in PACKAGES:
        files += (ROOT / package).rglob("*.py")
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@pytest.mark.parametrize("doc", DOCS, ids=named)
def test_every_relative_link_leads_somewhere(doc: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", doc.read_text(encoding="utf-8"))
    away = [link for link in links if "://" not in link and not (doc.parent / link).exists()]
    assert away == []


@pytest.mark.parametrize("doc", DOCS, ids=named)
def test_every_command_and_target_that_is_told_of_exists(doc: Path) -> None:
    text = doc.read_text(encoding="utf-8")
    commands = set(re.findall(r"manage\.py ([a-z_]+)", text)) - {"command", "help"}
    assert commands - set(get_commands()) == set()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", text)) - targets == set()


def test_every_command_of_the_house_is_in_the_table_with_its_flags() -> None:
    rows = dict(re.findall(r"^\| `([a-z_]+)([^`]*)` \|", COMMANDS.read_text(), re.MULTILINE))
    assert set(rows) == OWN - {"makemigrations"}
    for name, flags in rows.items():
        parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
        known = {flag for action in parser._actions for flag in action.option_strings}
        assert set(re.findall(r"--[a-z-]+", flags)) - known == set(), name


def test_the_table_of_variables_is_what_the_code_reads() -> None:
    read = set(
        re.findall(
            r"(?:env\.(?:text|flag|number|address|networks|mail_url|folder)|environ\.get|os\.environ)[\[(]\"([A-Z_]+)\"",
            code(),
        )
    )
    for name in re.findall(r"env\.secret\(\s*\"([A-Z_]+)\"", code()):
        read |= {name, f"{name}_FILE"}
    read |= {"DATABASE_URL", "BROKER_URL", "CACHE_URL", "CHANNEL_URL"}
    rows = [
        line.split("|")[1]
        for line in ENVIRONMENT.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    assert set(re.findall(r"`([A-Z_]+)`", " ".join(rows))) == read - NOT_OURS


def test_every_resource_of_the_api_is_in_the_contract_page() -> None:
    page = (ROOT / "lastmile/docs/api.md").read_text(encoding="utf-8")
    served = {
        match[1]
        for conf in ("lastmile.urls", "lastmile.urls_public")
        for where, _view in views(conf)
        if (match := re.match(r"/api/v1/([a-z-]+/)", where))
    } - {"schema/", "docs/", "problems/", "emissions/"}
    documented = set(re.findall(r"([a-z-]+/)", page))
    assert served - documented == set()
    assert len(served) > 15


def test_the_frames_that_are_told_of_are_the_ones_that_are_sent() -> None:
    page = (ROOT / "lastmile/docs/websockets.md").read_text(encoding="utf-8")
    board = page.partition("## `/ws/v1/board/")[2]
    documented = set(re.findall(r"^\| `([a-z]+)` \|", board, re.MULTILINE))
    handlers = (ROOT / "dispatch/console/board/handlers.py").read_text(encoding="utf-8")
    sent = {"snapshot"} | {
        str(call.args[2].value)
        for call in ast.walk(ast.parse(handlers))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        if call.func.id == "_tell" and isinstance(call.args[2], ast.Constant)
    }
    assert documented == sent | {REPLIES, INCIDENTS, POSITIONS}


def test_every_package_and_the_tests_say_what_they_are() -> None:
    for package in (*PACKAGES, "tests"):
        text = (ROOT / package / "README.md").read_text(encoding="utf-8")
        assert text.startswith(f"# {package}")


def test_decisions_are_numbered_once_and_titled_by_their_rule() -> None:
    pages = sorted((ROOT / "lastmile/docs/adr").glob("[0-9]*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(set(numbers)) == len(numbers) > 5
    for page in pages:
        assert page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]} ")

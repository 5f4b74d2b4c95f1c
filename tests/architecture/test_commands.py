"""``manage.py help`` lists our commands first; each option has a help text."""

from __future__ import annotations

import argparse
import shlex

import pytest
from django.core.management import get_commands

from lastmile.commands import ENTRIES, GROUPS, Commands
from tests.architecture.test_docs import OWN

DJANGOS = {
    "-h", "--help", "--version", "-v", "--verbosity", "--settings", "--pythonpath", "--traceback",
    "--no-color", "--force-color", "--skip-checks",
}  # fmt: skip


def commands() -> Commands:
    return Commands(["manage.py", "help"])


def parser_of(name: str) -> argparse.ArgumentParser:
    return commands().fetch_command(name).create_parser("manage.py", name)


def own_options(name: str) -> list[argparse.Action]:
    return [
        action for action in parser_of(name)._actions if not set(action.option_strings) & DJANGOS
    ]


def test_the_list_holds_exactly_our_commands() -> None:
    assert set(ENTRIES) == OWN
    assert sum(map(len, GROUPS.values())) == len(OWN)


def test_our_commands_come_first_with_one_plain_line_each() -> None:
    lines = commands().main_help_text().splitlines()
    others_start = next(i for i, line in enumerate(lines) if "Django and its packages" in line)
    listed = [line.split()[0] for line in lines[2:others_start] if line.startswith("  ")]
    assert listed == list(ENTRIES)
    assert all(len(line) <= 100 for line in lines)
    others = set(" ".join(lines[others_start + 1 :]).split())
    assert others == set(get_commands()) - OWN


@pytest.mark.parametrize("name", sorted(OWN - {"makemigrations"}))
def test_each_option_of_our_commands_is_explained(name: str) -> None:
    for action in own_options(name):
        text = action.help or ""
        assert text, (name, action.option_strings or action.dest)
        # A value that may be left out has a default, which the help names.
        takes_a_value = bool(action.option_strings) and action.nargs != 0
        if takes_a_value and not action.required and not in_a_choice(name, action):
            assert "default" in text, (name, action.option_strings)


def in_a_choice(name: str, action: argparse.Action) -> bool:
    """Is the option in a group of options that requires one of them?"""
    groups = parser_of(name)._mutually_exclusive_groups
    return any(
        group.required and action.dest in {one.dest for one in group._group_actions}
        for group in groups
    )


@pytest.mark.parametrize("name", sorted(OWN))
def test_each_example_is_a_call_that_the_command_takes(name: str) -> None:
    words = shlex.split(ENTRIES[name].example)
    assert words[0] == name
    parser_of(name).parse_args(words[1:])
    assert f"Example:\n  manage.py {ENTRIES[name].example}" in parser_of(name).format_help()

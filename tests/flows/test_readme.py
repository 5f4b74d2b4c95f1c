"""The README's first API call, run as it is written, against a running Lastmile."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from tests.embedded.helpers import ROOT, own_environment
from tests.running import Running

pytestmark = pytest.mark.slow
README = ROOT / "README.md"
MOST_LINES = 119
ORDERS = 2  # of the demo, for each day
# A date program for a day of the test's choice: the example asks for tomorrow and for a number.
DATE = """#!/bin/sh
if [ "$1" = -d ]; then exec {date} -d "$DAY_OF_THE_TEST $2" "$3"; fi
exec {date} "$@"
"""


def first_call() -> str:
    """Return the shell commands of the README's API section."""
    section = README.read_text(encoding="utf-8").partition("## The first API call")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    return block[1]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Return a Lastmile whose clock a file sets; its data stays between runs of the tests."""
    var = settings.VAR / "readme"
    var.mkdir(parents=True, exist_ok=True)
    clock = var / "clock"
    clock.unlink(missing_ok=True)
    # No package index: the demo's streets are not fetched, so its routes are straight lines.
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    with Running(var, ALLOW_TEST_CLOCK="1", TEST_CLOCK_FILE=str(clock), **offline) as server:
        yield server


def answers(running: Running, folder: Path, day: str) -> list[dict[str, Any]]:
    """Run the README's commands on a day, in a folder of their own; return the answers."""
    (folder / "bin").mkdir()
    program = folder / "bin" / "date"
    program.write_text(DATE.format(date=shutil.which("date")))
    program.chmod(0o755)
    for name in (".venv", "manage.py"):
        (folder / name).symlink_to(ROOT / name)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", first_call()],
        cwd=folder,
        env=own_environment()
        | running.environment
        | {
            "LASTMILE_VAR": str(running.var),
            "DJANGO_SETTINGS_MODULE": "lastmile.settings",
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "DAY_OF_THE_TEST": day,
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("day", "tomorrow"),
    [
        ("2028-02-28 15:00 UTC", "2028-02-29"),  # a leap year
        ("2029-01-01 02:00 UTC", "2029-01-01"),  # a new year in UTC, not yet in Chile
    ],
)
def test_the_first_api_call_of_the_readme_ends_with_a_plan_on_any_day(
    running: Running, tmp_path: Path, day: str, tomorrow: str
) -> None:
    (running.var / "clock").write_text(f"{day.removesuffix(' UTC').replace(' ', 'T')}:00+00:00")
    running.manage("seed_demo", "--schema", "faro", "--orders", str(ORDERS))

    imported, orders, requested, plans = answers(running, tmp_path, day)

    assert imported["operation"].startswith("job_")
    assert [order["service_date"] for order in orders["items"]] == [tomorrow]
    assert requested["operation"].startswith("job_")
    assert len(plans["items"]) == 1, plans
    plan = plans["items"][0]
    assert (plan["service_date"], plan["status"]) == (tomorrow, "draft")
    assert (plan["orders_count"], plan["unserved_count"]) == (ORDERS + 1, 0)


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MOST_LINES

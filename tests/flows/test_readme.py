"""The README's first API call, run as it is written, against a running Lastmile."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
import uuid
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


def commands(document: Path, heading: str) -> str:
    """Return the shell commands of a section of a document."""
    section = document.read_text(encoding="utf-8").partition(heading)[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    return block[1]


def first_call() -> str:
    """Return the shell commands of the README's API section."""
    return commands(README, "## The first API call")


def checkout_calls() -> str:
    """Return the shell commands of a checkout: from a basket to a promise in five calls."""
    return commands(README, "## A checkout in five calls")


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


def answers(
    running: Running, folder: Path, day: str, script: str | None = None
) -> list[dict[str, Any]]:
    """Run commands, by default the README's, on a day in a folder of their own; return the answers.

    A ``script`` is given by the test of another document.
    """
    (folder / "bin").mkdir()
    program = folder / "bin" / "date"
    program.write_text(DATE.format(date=shutil.which("date")))
    program.chmod(0o755)
    for name in (".venv", "manage.py"):
        (folder / name).symlink_to(ROOT / name)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script or first_call()],
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


def wait_for_offers(running: Running, day: str) -> None:
    """Wait until the tentative plan of a day is ready, so that windows are offered."""
    key = running.manage(
        "apikey_create", "--schema", "faro", "--role", "integration", "--name", "probe", "--json"
    )
    headers = {
        "Host": f"faro.localhost:{running.port}",
        "Authorization": f"Bearer {json.loads(key)['key']}",
        "Content-Type": "application/json",
    }
    body = {"place": {"lat": -29.9165, "lon": -71.2730}, "since": day, "until": day}
    give_up_at, session = time.monotonic() + 240, {}
    while time.monotonic() < give_up_at:
        headers["Idempotency-Key"] = uuid.uuid4().hex
        where = f"http://127.0.0.1:{running.port}/api/v1/delivery-options/"
        call = urllib.request.Request(where, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(call, timeout=60) as answer:
            session = json.load(answer)
        if any(offer["option"] == "window" for offer in session["offers"]):
            return
        time.sleep(2)
    raise AssertionError(f"no window was offered: {session}")


def test_a_checkout_gets_from_a_basket_to_a_promise_in_five_calls(
    running: Running, tmp_path: Path
) -> None:
    (running.var / "clock").write_text("2029-02-05T13:00:00+00:00")
    running.manage("seed_demo", "--schema", "faro", "--orders", str(ORDERS))
    wait_for_offers(running, "2029-02-06")

    session, held, choice, order, orders = answers(
        running, tmp_path, "2029-02-05 13:00 UTC", checkout_calls()
    )

    (offer,) = [offer for offer in session["offers"] if offer["id"] == held["offer"]]
    assert (offer["rank"], offer["green"]) == (1, True)
    assert (held["state"], held["session"]) == ("live", session["id"])
    assert (choice["state"], choice["hold"]) == ("waiting", held["id"])
    promise = order["promise"]
    for name in ("opens_at", "closes_at", "price_minor", "co2_g", "option", "handover"):
        assert promise[name] == choice[name], name
    assert promise["slot"] == offer["id"]
    assert [row["id"] for row in orders["items"]] == [order["id"]]
    assert orders["items"][0]["promise"]["id"] == promise["id"]


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= MOST_LINES

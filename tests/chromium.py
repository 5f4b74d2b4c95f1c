"""Chromium for tests marked `browser`, and no silent skip where everything must run.

Without a Chromium those tests are skipped and one line says so. `REQUIRE_BROWSER=1` (.ci/run)
makes a missing browser, and any skip whose reason is not listed here, a failure.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

_PLAIN = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
#: Maps need WebGL, which is drawn by software here.
FLAGS = [
    *_PLAIN,
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
]
#: Pages without a map need no WebGL. Measured: a test of the picker takes 0.9 s instead of 1.6 s.
FLAGS_WITHOUT_MAPS = [*_PLAIN, "--disable-gpu"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PLACES = (
    "/usr/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
NONE_FOUND = "No Chromium found: the browser tests are skipped. Set CHROMIUM to one."
# Reasons that are allowed even where everything must run: a machine may lack data or rights.
EXPECTED_SKIPS = ("shared data", "only root", "this system allows no", "this checkout is")

_unexpected: list[str] = []


def find() -> str | None:
    """Return the path of a Chromium: CHROMIUM, else one on PATH, else the usual places."""
    named = os.environ.get("CHROMIUM")
    if named:
        if not Path(named).is_file():
            raise pytest.UsageError(f"CHROMIUM={named!r} is no file. Unset it, or correct it.")
        return named
    on_path = (shutil.which(name) for name in NAMES)
    usual = (place for place in PLACES if Path(place).is_file())
    return next((path for path in (*on_path, *usual) if path), None)


def required() -> bool:
    """Return True if every test must run."""
    return os.environ.get("REQUIRE_BROWSER") == "1"


def pytest_report_header() -> str | None:
    """Say in one line that there is no browser."""
    return None if find() else NONE_FOUND


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the browser tests without a browser, or refuse to start."""
    marked = [item for item in items if item.get_closest_marker("browser")]
    if not marked or find():
        return
    if required():
        raise pytest.UsageError("REQUIRE_BROWSER=1, but no Chromium was found. Set CHROMIUM.")
    for item in marked:
        item.add_marker(pytest.mark.skip(reason=NONE_FOUND))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember unexpected skips."""
    if report.skipped and not hasattr(report, "wasxfail") and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith(EXPECTED_SKIPS):
            _unexpected.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail the run for an unexpected skip where everything must run."""
    if required() and _unexpected and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the skips that made the run fail."""
    if required():
        for line in _unexpected:
            terminalreporter.write_line(f"UNEXPECTED SKIP {line}", red=True)


@pytest.fixture(scope="module")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Return one Chromium for a module's tests, without WebGL if marked ``browser(maps=False)``.

    It does not live for the whole run: while it lives, an event loop runs in this thread, and
    Django does not allow the ORM in such a thread.
    """
    marker = request.node.get_closest_marker("browser")
    maps = marker is None or marker.kwargs.get("maps", True)
    flags = FLAGS if maps else FLAGS_WITHOUT_MAPS
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find(), args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Return a fresh profile: no cookie of another test."""
    fresh = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800})
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """Return a page in a fresh profile."""
    return context.new_page()

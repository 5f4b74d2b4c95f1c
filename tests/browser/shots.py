"""Takes screenshots of every main page: ``python -m tests.browser.shots [names]``.

Without ``--url`` it starts its own server with temporary data. With ``--url`` (and ``--email``,
``--password``) it visits the paths ``--path NAME=/path/`` of a running installation. The
screenshots are small PNGs with a palette, in tests/browser/shots/ or the folder of ``--into``.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lastmile.settings_test")  # before what reads it

import django

django.setup()

from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from lastmile.embedded.keeper import services_in_use
from tests import chromium
from tests.browser.live import Live, live_server
from tests.browser.pages import PAGES
from tests.databases import ensure_template

SHOTS = Path(__file__).parent / "shots"
SIZES: Final = {"390": (390, 844), "820": (820, 1180), "1440": (1440, 900)}
SCHEMES: Final = ("light", "dark")
COLOURS: Final = 64
FOUND_NOWHERE: Final = "Chromium was not found. Set CHROMIUM to its path."


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.shots", description=__doc__)
    parser.add_argument("names", nargs="*", help="names of the pages (default: all)")
    parser.add_argument(
        "--url", default="", help="running installation, as http://verdura.localhost:8000"
    )
    parser.add_argument("--email", default="", help="e-mail to sign in with at --url")
    parser.add_argument("--password", default="", help="password of --email")
    parser.add_argument(
        "--path", action="append", default=[], metavar="NAME=/path/", help="page to visit at --url"
    )
    parser.add_argument("--into", type=Path, default=SHOTS, help="folder (default: %(default)s)")
    parser.add_argument(
        "--size", action="append", choices=[*SIZES], help="width of the window (default: all)"
    )
    parser.add_argument(
        "--scheme", action="append", choices=SCHEMES, help="colour scheme (default: both)"
    )
    parser.add_argument("--lang", default="en-GB", help="language of the browser")
    return parser.parse_args(argv)


def small(path: Path) -> None:
    """Reduce a screenshot to a palette of COLOURS, if Pillow is installed."""
    with contextlib.suppress(ImportError):
        from PIL import Image

        with Image.open(path) as full:
            full.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
                path, optimize=True
            )


def settle(page: Page, ready: str) -> None:
    """Wait until a page is complete: its selector, its requests, its fonts and its map."""
    page.locator(ready).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    if page.locator("[data-module='core/map'] canvas").count():
        page.wait_for_timeout(1500)  # without a graphics card the last frames come late


def shoot(page: Page, name: str, ready: str, options: argparse.Namespace) -> Iterator[Path]:
    """Take screenshots of the open page in every size and colour scheme of ``options``."""
    for size, scheme in itertools.product(options.size or SIZES, options.scheme or SCHEMES):
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        settle(page, ready)
        path = options.into / f"{name}-{size}-{scheme}.png"
        page.screenshot(path=path)
        small(path)
        yield path


def context_of(browser: Browser, options: argparse.Namespace) -> BrowserContext:
    """Return a new browser context with the language of ``options``."""
    return browser.new_context(locale=options.lang)


def visit_running(browser: Browser, options: argparse.Namespace) -> Iterator[Path]:
    """Take screenshots of the pages named by --path in a running installation."""
    page = context_of(browser, options).new_page()
    if options.email:
        page.goto(f"{options.url}/login/")
        page.locator("[name=email]").fill(options.email)
        page.locator("[name=password]").fill(options.password)
        page.locator("main form button.primary").click()
        page.wait_for_url(lambda url: "/login/" not in url)
    for pair in options.path or ["home=/"]:
        name, _, path = pair.partition("=")
        page.goto(options.url + path)
        yield from shoot(page, name, "main h1, main h2", options)


def visit_own(live: Live, browser: Browser, options: argparse.Namespace) -> Iterator[Path]:
    """Take screenshots of every page of ``PAGES`` in the server of this command."""
    for visit in PAGES:
        if options.names and visit.name not in options.names:
            continue
        context = context_of(browser, options)
        if visit.role:
            live.log_in(context, visit.role)
        page = context.new_page()
        page.goto(visit.url(live))
        yield from shoot(page, visit.name, visit.ready, options)
        context.close()


@contextlib.contextmanager
def server(options: argparse.Namespace) -> Iterator[Live | None]:
    """Start a server unless --url names one. Call it before Playwright, which blocks the ORM."""
    if options.url:
        yield None
        return
    with (
        services_in_use(settings.VAR, durable=False),
        live_server(ensure_template(), seconds=4) as live,
    ):
        yield live


def main(argv: list[str]) -> int:
    """Take the screenshots and print the path and size of each."""
    options = arguments(argv)
    executable = chromium.find()
    if executable is None:
        print(FOUND_NOWHERE)
        return 1
    options.into.mkdir(parents=True, exist_ok=True)
    with server(options) as live, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=chromium.FLAGS)
        for path in visit_own(live, browser, options) if live else visit_running(browser, options):
            print(f"{path}  {path.stat().st_size // 1024} kB")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

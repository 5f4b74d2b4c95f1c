"""Pictures of every first screen: ``python -m tests.browser.shots [names]``.

Without ``--url`` it serves a day of its own on throw-away data. With ``--url`` (and ``--email``,
``--password``) it photographs a running house at the paths given by ``--path NAME=/path/``. The
pictures are small PNGs with a palette, under tests/browser/shots/ unless ``--into`` says otherwise.
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
from tests.browser.live import Live, live_house
from tests.browser.pages import PAGES
from tests.databases import ensure_template

SHOTS = Path(__file__).parent / "shots"
SIZES: Final = {"390": (390, 844), "820": (820, 1180), "1440": (1440, 900)}
SCHEMES: Final = ("light", "dark")
COLOURS: Final = 64
FOUND_NOWHERE: Final = "No Chromium found. Set CHROMIUM to one."


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    reader = argparse.ArgumentParser(prog="python -m tests.browser.shots", description=__doc__)
    reader.add_argument("names", nargs="*", help="only these pages")
    reader.add_argument("--url", default="", help="a running house, http://verdura.localhost:8000")
    reader.add_argument("--email", default="", help="who looks at the running house")
    reader.add_argument("--password", default="")
    reader.add_argument("--path", action="append", default=[], metavar="NAME=/path/")
    reader.add_argument("--into", type=Path, default=SHOTS, help="folder (default: %(default)s)")
    reader.add_argument("--size", action="append", choices=[*SIZES], help="default: all")
    reader.add_argument("--scheme", action="append", choices=SCHEMES, help="default: both")
    reader.add_argument("--lang", default="en-GB", help="what the browser asks for")
    return reader.parse_args(argv)


def small(path: Path) -> None:
    """Give a picture a palette, where Pillow is installed; the picture stays as it is else."""
    with contextlib.suppress(ImportError):
        from PIL import Image

        with Image.open(path) as full:
            full.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
                path, optimize=True
            )


def settle(page: Page, ready: str) -> None:
    """Wait until a page is whole: its selector, its requests, its fonts, its map."""
    page.locator(ready).first.wait_for()
    page.wait_for_load_state("networkidle")
    page.evaluate("() => document.fonts.ready.then(() => true)")
    if page.locator("[data-module='core/map'] canvas").count():
        page.wait_for_timeout(1500)  # software rendering draws its last frames late


def shoot(page: Page, name: str, ready: str, asked: argparse.Namespace) -> Iterator[Path]:
    """Photograph the open page in every size and scheme asked for."""
    for size, scheme in itertools.product(asked.size or SIZES, asked.scheme or SCHEMES):
        width, height = SIZES[size]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        settle(page, ready)
        path = asked.into / f"{name}-{size}-{scheme}.png"
        page.screenshot(path=path)
        small(path)
        yield path


def context_of(browser: Browser, asked: argparse.Namespace) -> BrowserContext:
    """Return a fresh profile that speaks the language asked for."""
    return browser.new_context(locale=asked.lang)


def running(browser: Browser, asked: argparse.Namespace) -> Iterator[Path]:
    """Photograph the pages named by --path in a house that runs."""
    page = context_of(browser, asked).new_page()
    if asked.email:
        page.goto(f"{asked.url}/login/")
        page.locator("[name=email]").fill(asked.email)
        page.locator("[name=password]").fill(asked.password)
        page.locator("main form button.primary").click()
        page.wait_for_url(lambda url: "/login/" not in url)
    for pair in asked.path or ["home=/"]:
        name, _, path = pair.partition("=")
        page.goto(asked.url + path)
        yield from shoot(page, name, "main h1, main h2", asked)


def own(live: Live, browser: Browser, asked: argparse.Namespace) -> Iterator[Path]:
    """Photograph every page of the table in a house of this command's own."""
    for visit in PAGES:
        if asked.names and visit.name not in asked.names:
            continue
        context = context_of(browser, asked)
        if visit.role:
            live.log_in(context, visit.role)
        page = context.new_page()
        page.goto(visit.url(live))
        yield from shoot(page, visit.name, visit.ready, asked)
        context.close()


@contextlib.contextmanager
def house(asked: argparse.Namespace) -> Iterator[Live | None]:
    """Serve a house unless one runs already; before Playwright, beside which no ORM works."""
    if asked.url:
        yield None
        return
    with (
        services_in_use(settings.VAR, durable=False),
        live_house(ensure_template(), seconds=4) as live,
    ):
        yield live


def main(argv: list[str]) -> int:
    """Take the pictures; say where each is and what it weighs."""
    asked = arguments(argv)
    executable = chromium.find()
    if executable is None:
        print(FOUND_NOWHERE)
        return 1
    asked.into.mkdir(parents=True, exist_ok=True)
    with house(asked) as live, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=chromium.FLAGS)
        for path in own(live, browser, asked) if live else running(browser, asked):
            print(f"{path}  {path.stat().st_size // 1024} kB")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

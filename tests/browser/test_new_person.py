"""A new person: invitation, first password, sign-in, and a link for a new password."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from io import StringIO
from typing import TypeVar

import pytest
from django.core.management import call_command
from django.db import connections
from playwright.sync_api import Browser, BrowserContext, Page, expect

from lastmile.core.tenancy import HOUSE, retailer_context
from tests.browser.accessibility import violations
from tests.browser.live import Live
from tests.browser.watch import Watch
from tests.drain import drain

pytestmark = pytest.mark.browser
T = TypeVar("T")
FIRST, SECOND = "a long first sentence", "another long sentence"


@pytest.fixture
def other_browser(browser: Browser) -> Iterator[BrowserContext]:
    """Return the browser of the person who gets a link; nobody is signed in there."""
    context = browser.new_context()
    yield context
    context.close()


def in_house(live: Live, act: Callable[[], T]) -> T:
    """Call ``act`` in the operator's schema, in the thread for database work."""

    def run() -> T:
        try:
            with retailer_context(HOUSE):
                return act()
        finally:
            connections.close_all()

    return live.worker.submit(run).result(timeout=120)


def command_link(live: Live, schema: str, email: str) -> str:
    """Create an owner with the command that operators use; return the printed link."""

    def make() -> str:
        out = StringIO()
        call_command(
            "member_create", "--schema", schema, "--role", "owner", "--email", email, "--json",
            stdout=out,
        )  # fmt: skip
        connections.close_all()
        return str(json.loads(out.getvalue())["set_password_url"])

    return live.worker.submit(make).result(timeout=120)


def follow(page: Page, link: str, password: str) -> None:
    """Open a link to set a password, as the person who received it, and set the password."""
    answer = page.goto(link)
    assert answer is not None
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "no-store" in answer.headers["cache-control"]
    expect(page.get_by_role("heading", name="Set your password")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("New password").fill(password)
    page.get_by_role("button", name="Set password and sign in").click()
    expect(page.get_by_text("Your password is set. Welcome.")).to_be_visible()


def sign_in(page: Page, email: str, password: str) -> None:
    """Sign in on the open login page."""
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).not_to_have_url(re.compile("/login/"))


def sign_out(page: Page) -> None:
    page.get_by_label("Language, theme and account").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_url(re.compile("/login/"))


def test_an_invited_member_sets_a_password_signs_in_and_gets_a_new_link(
    live: Live, page: Page, watch: Watch, other_browser: BrowserContext
) -> None:
    follow(page, command_link(live, "t1", "boss@first.example"), FIRST)
    page.get_by_role("link", name="Members", exact=True).click()
    page.get_by_label("E-mail").fill("nora@first.example")
    page.get_by_label("Name").fill("Nora Pires")
    page.get_by_label("Only these hubs").check()
    page.get_by_label("Alcântara").check()
    page.get_by_role("button", name="Invite").click()
    link = page.get_by_label("Link to set a password").input_value()
    assert violations(page) == []

    invited = other_browser.new_page()
    invited.goto(link)
    invited.get_by_label("New password").fill("short")
    invited.get_by_role("button", name="Set password and sign in").click()
    expect(invited.get_by_text("too short")).to_be_visible()
    follow(invited, link, FIRST)
    invited.get_by_label("Language, theme and account").click()
    expect(invited.get_by_text("Nora Pires")).to_be_visible()
    invited.get_by_role("link", name="My account").click()
    expect(invited.get_by_text("nora@first.example")).to_be_visible()
    sign_out(invited)
    sign_in(invited, "nora@first.example", FIRST)
    invited.goto(link)
    expect(invited.get_by_text("Ask an owner or manager for a new one")).to_be_visible()

    page.get_by_role("link", name="Nora Pires").click()
    page.get_by_role("button", name="Create a password link").click()
    reset = page.get_by_label("Link to set a password").input_value()
    forgot = other_browser.new_page()
    follow(forgot, reset, SECOND)
    sign_out(forgot)
    sign_in(forgot, "nora@first.example", SECOND)
    assert watch.take() == []


def test_an_operator_opens_a_retailer_whose_first_owner_signs_in(
    live: Live, page: Page, watch: Watch, other_browser: BrowserContext
) -> None:
    follow(page, command_link(live, HOUSE, "operator@lastmile.example"), FIRST)
    page.goto(f"{live.public}/retailers/")
    for label, value in (
        ("Name", "Padaria Nova"),
        ("Host name", "padaria"),
        ("Schema", "t_padaria"),
        ("Time zone", "Europe/Lisbon"),
        ("Currency", "EUR"),
        ("E-mail of the first owner", "marta@padaria.example"),
        ("Name of the first owner", "Marta Lopes"),
    ):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Open retailer").click()
    expect(page.get_by_text("The retailer is being opened.")).to_be_visible()
    in_house(live, drain)
    expect(page.get_by_text("Its first owner is Marta Lopes")).to_be_visible()
    assert violations(page) == []
    link = page.get_by_label("Link to set a password").input_value()

    invited = other_browser.new_page()
    follow(invited, link, FIRST)
    expect(invited).to_have_url(f"http://padaria.localhost:{live.port}/")
    sign_out(invited)
    sign_in(invited, "marta@padaria.example", FIRST)
    invited.get_by_role("link", name="Members", exact=True).click()
    expect(invited.get_by_role("link", name="Marta Lopes")).to_be_visible()
    assert watch.take() == []

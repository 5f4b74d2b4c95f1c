"""The first minute of a person: sign-in by keyboard, choice of language and of theme."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.live import Live
from tests.browser.watch import Watch
from tests.people import PASSWORD

pytestmark = pytest.mark.browser
# Runs before the page's own scripts: records every change of the theme.
_NOTE_THEMES = """
window.themes = [];
new MutationObserver(() => {
    const theme = document.documentElement?.dataset.theme;
    if (theme && theme !== themes.at(-1)) themes.push(theme);
}).observe(document, {attributes: true, childList: true, subtree: true});
"""
_LIGHTNESS = """() => {
    const ink = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    ink.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
    ink.fillRect(0, 0, 1, 1);
    return [...ink.getImageData(0, 0, 1, 1).data.slice(0, 3)].reduce((a, b) => a + b) / 765;
}"""


def focused(page: Page) -> str:
    """Return the name, label or text of the focused element."""
    return page.evaluate(
        "() => { const at = document.activeElement;"
        " return at.name || at.getAttribute('aria-label') || at.textContent.trim(); }"
    )


def tab_to(page: Page, name: str, most: int = 40) -> None:
    """Press Tab until an element has the focus, and check that the focus is visible."""
    for _press in range(most):
        page.keyboard.press("Tab")
        if focused(page) == name:
            seen = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert seen != "none", f"{name} has the focus, but it is not visible"
            return
    raise AssertionError(f"Tab never reaches {name!r}; the focus is on {focused(page)!r}")


def test_a_person_signs_in_and_out_by_keyboard(live: Live, page: Page, watch: Watch) -> None:
    page.goto(f"{live.retailer}/members/")
    expect(page).to_have_url(re.compile(r"/login/\?next="))
    # The first field has the focus; Chromium sets it one frame after `load`.
    expect(page.locator("[name=email]")).to_be_focused()
    page.keyboard.type(live.world.emails["owner"])
    tab_to(page, "password", most=2)
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The e-mail or the password is wrong")).to_be_visible()
    assert page.locator("[name=email]").input_value() == live.world.emails["owner"]
    watch.take()  # drop the console message about the status 422
    page.locator("[name=password]").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Members", exact=True)).to_be_visible()
    expect(page).to_have_url(f"{live.retailer}/members/")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    tab_to(page, "Language, theme and account")
    page.keyboard.press("Enter")
    tab_to(page, "Sign out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in to First & Sons")).to_be_visible()
    page.goto(f"{live.retailer}/members/")
    expect(page).to_have_url(re.compile(r"/login/\?next="))
    assert watch.take() == []


def test_escape_closes_the_menu_and_returns_the_focus(live: Live, page: Page) -> None:
    page.goto(f"{live.retailer}/login/")
    tab_to(page, "Language, theme and account")
    page.keyboard.press("Enter")
    tab_to(page, "theme", most=2)
    page.keyboard.press("Escape")
    assert focused(page) == "Language, theme and account"
    expect(page.locator("details.menu[open]")).to_have_count(0)


def test_the_language_is_changed_and_remembered(live: Live, page: Page, watch: Watch) -> None:
    page.goto(f"{live.retailer}/login/?next=/members/")
    page.get_by_label("Language, theme and account").click()
    page.get_by_role("button", name="Español").click()
    expect(page.get_by_role("heading", name=re.compile("^Iniciar sesión"))).to_be_visible()
    expect(page).to_have_url(f"{live.retailer}/login/?next=/members/")
    assert page.locator("html").get_attribute("lang") == "es"
    page.goto(f"{live.retailer}/login/")
    assert page.locator("html").get_attribute("lang") == "es"
    assert watch.take() == []


@pytest.mark.parametrize(
    ("label", "theme", "dark"), [("Dark", "dark", True), ("Light", "light", False)]
)
def test_the_theme_changes_at_once_and_never_flashes(
    live: Live, page: Page, watch: Watch, label: str, theme: str, dark: bool
) -> None:
    page.emulate_media(color_scheme="light" if dark else "dark", reduced_motion="reduce")
    page.goto(f"{live.retailer}/login/")
    assert (page.evaluate(_LIGHTNESS) < 0.5) is not dark  # the theme of the device
    page.get_by_label("Language, theme and account").click()
    page.get_by_role("button", name=label, exact=True).click()
    assert (page.evaluate(_LIGHTNESS) < 0.5) is dark
    page.add_init_script(_NOTE_THEMES)
    page.reload()
    assert page.evaluate("() => themes") == [theme]
    assert (page.evaluate(_LIGHTNESS) < 0.5) is dark
    assert watch.take() == []

"""The picker in a real Chromium, in the page of a shop on another origin with a strict policy."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from portal.choice.api import shapes
from tests.browser.accessibility import violations
from tests.portal.choice.fake_checkout import SHOP, FakeCheckout, Shop

pytestmark = pytest.mark.browser(maps=False)


@pytest.fixture
def shop(context: BrowserContext) -> Shop:
    return Shop(context)


def picker(page: Page) -> Locator:
    return page.locator("lastmile-picker")


def slot(page: Page, offer: str) -> Locator:
    return page.locator(f'.slot[data-id="{offer}"]')


def events_of(page: Page, kind: str = "") -> list[Any]:
    events = page.evaluate("received")
    return [detail for name, detail in events if not kind or name == f"lastmile-{kind}"]


def ready(page: Page) -> Page:
    expect(page.locator(".slot").first).to_be_visible()
    return page


def held(page: Page, offer: str) -> None:
    """Pick an offer and wait until it is held."""
    slot(page, offer).click()
    expect(page.locator(".kept")).to_be_visible()
    expect(slot(page, offer)).to_have_attribute("aria-checked", "true")
    expect(page.locator('.slots[aria-busy="false"]')).to_have_count(1)


def confirmed(page: Page) -> str:
    page.get_by_role("button", name="Confirm this time").click()
    expect(page.locator(".kept.chosen")).to_be_visible()
    value = page.evaluate("document.querySelector('lastmile-picker').value")
    assert isinstance(value, str)
    return value


def in_form(page: Page) -> str | None:
    return page.evaluate("new FormData(document.forms[0]).get('delivery')")  # type: ignore[no-any-return]


def test_from_the_basket_to_a_choice_in_the_form(shop: Shop) -> None:
    page = ready(shop.open())
    (question,) = shop.api.sent("POST", "delivery-options/")
    assert question == {
        "place": {"text": "Rua do Ouro 5, Lisboa"}, "language": "en", "value_minor": 4990,
        "currency": "EUR",
    }  # fmt: skip
    assert in_form(page) is None
    held(page, "slt_012")
    assert in_form(page) is None, "a hold alone gives the shop nothing to order with"
    assert "15 minutes left" in page.locator(".kept").inner_text()
    choice = confirmed(page)
    assert (in_form(page), choice) == (choice, shop.api.choice["id"])  # type: ignore[index]
    assert shop.api.sent("POST", "choices/") == [{"hold": "hld_2", "price_minor": 390}]
    (detail,) = events_of(page, "choice")
    assert (detail["choice"], detail["price_minor"], detail["currency"]) == (choice, 390, "EUR")
    assert detail["label"] == "Tuesday, 1 December, 12:00–14:00 · €3.90"
    assert len(events_of(page, "hold")) == 1
    assert shop.problems == []


def test_calls_carry_the_key_an_idempotency_key_and_no_cookie(shop: Shop) -> None:
    page = ready(shop.open())
    held(page, "slt_012")
    for headers in shop.api.headers:
        assert headers["authorization"] == "Bearer lmk_test"
        assert "cookie" not in headers
        assert "referer" not in headers
    keys = [headers["idempotency-key"] for headers in shop.api.headers]
    assert len(set(keys)) == 2


# --- S12, S13, S16: reload, switches, another basket ----------------------------------------------
@pytest.mark.parametrize("step", ["offers", "held", "chosen"])
def test_s12_after_a_reload_the_picker_shows_what_is_held_with_the_price_of_the_total(
    shop: Shop, step: str
) -> None:
    page = ready(shop.open())
    if step != "offers":
        held(page, "slt_018")
    choice = confirmed(page) if step == "chosen" else ""
    session = events_of(page)[0]["session"]
    again = shop.open(session=session)  # the shop's page kept the session; the browser kept nothing
    if step == "offers":
        ready(again)
        assert again.locator('.slot[aria-checked="true"]').count() == 0
    else:
        text = again.locator(".kept").inner_text()
        assert "18:00–20:00" in text
        assert "€5.90" in text
        (detail,) = events_of(again, "choice" if step == "chosen" else "hold")
        assert (detail["price_minor"], detail["restored"]) == (590, True)
    assert (in_form(again) or "") == choice
    assert len(shop.api.sent("POST", "delivery-options/")) == 1
    assert shop.problems == []


def test_s12_a_session_that_is_gone_shows_new_offers_and_no_price(shop: Shop) -> None:
    page = ready(shop.open(session="ses_gone"))
    assert page.evaluate("document.querySelector('lastmile-picker').session") == "ses_1"
    assert events_of(page)[-1] == {
        "session": "ses_1", "price_minor": None, "currency": "", "label": "", "reason": "session",
        "hold": None, "choice": None,
    }  # fmt: skip


def test_s13_after_any_switches_all_terms_belong_to_the_last_option(shop: Shop) -> None:
    page = ready(shop.open())
    for offer in ("slt_010", "slt_09", "slt_010", "slt_018"):
        held(page, offer)
    page.get_by_label("Without contact").check()
    expect(page.locator(".slots[aria-busy=false]")).to_have_count(1)
    confirmed(page)
    last = events_of(page, "choice")[-1]
    assert (last["option"], last["handover"], last["price_minor"], last["opens_at"]) == (
        "window", "contactless", 590, "2026-12-01T18:00:00Z",
    )  # fmt: skip
    page.get_by_role("button", name="Choose another time").click()
    held(page, "slt_010")
    assert in_form(page) is None, "the earlier choice is taken back"
    assert shop.api.choice is None
    confirmed(page)
    last = events_of(page, "choice")[-1]
    assert (last["option"], last["handover"], last["price_minor"]) == ("curbside", "attended", 0)


def test_another_time_that_is_full_leaves_the_choice_as_it_is(shop: Shop) -> None:
    page = ready(shop.open())
    held(page, "slt_09")
    choice = confirmed(page)
    page.get_by_role("button", name="Choose another time").click()
    shop.api.full.add("slt_012")
    slot(page, "slt_012").click()
    expect(page.get_by_role("alert")).to_contain_text("This time is full. Choose another time.")
    assert in_form(page) == choice


def test_s16_another_basket_gives_the_new_price_and_says_why(shop: Shop) -> None:
    page = ready(shop.open(value_minor="5000"))
    held(page, "slt_012")
    confirmed(page)
    assert events_of(page, "choice")[-1]["price_minor"] == 0
    page.evaluate("document.querySelector('lastmile-picker').setAttribute('value-minor', '4500')")
    expect(page.locator(".note:visible")).to_contain_text("The price changed from 0 to 390.")
    expect(page.locator(".kept")).to_contain_text("€3.90")
    change = events_of(page, "change")[-1]
    assert (change["reason"], change["price_minor"], change["choice"]) == ("price", 390, None)
    assert in_form(page) is None, "the choice with the old price cannot be ordered"
    assert shop.api.choice is None
    confirmed(page)
    assert shop.api.choice["price_minor"] == 390  # type: ignore[index]


def test_a_basket_that_has_grown_is_held_again(shop: Shop) -> None:
    page = ready(shop.open(parcels="[{&quot;weight_g&quot;: 500}]"))
    held(page, "slt_012")
    page.evaluate("document.querySelector('lastmile-picker').setAttribute('parcels', '3')")
    expect(page.locator(".kept")).to_be_visible()
    page.locator("lastmile-picker").evaluate(
        "async (e) => { while (received.filter(([n]) => n === 'lastmile-hold').length < 2) "
        "await new Promise((done) => setTimeout(done, 20)); }"
    )
    assert shop.api.sent("PATCH")[-1]["parcel_count"] == 3


def test_another_address_opens_another_session_and_gives_the_place_back(shop: Shop) -> None:
    page = ready(shop.open())
    held(page, "slt_012")
    page.evaluate("document.querySelector('lastmile-picker').address = 'Rua da Prata 8, Lisboa'")
    expect(page.locator(".place")).to_have_text("Rua da Prata 8, Lisboa")
    assert len(shop.api.sent("DELETE", "holds/")) == 1
    assert events_of(page)[-1]["session"] == "ses_3"
    expect(page.locator(".kept")).to_be_hidden()


# --- S18: twice, and in and out -------------------------------------------------------------------
def test_s18_loaded_twice_and_moved_ten_times_it_is_one_working_picker(shop: Shop) -> None:
    page = ready(shop.open())
    page.evaluate(
        """async () => {
          for (const type of ["module", "text/javascript", "module"]) {
            const script = document.createElement("script");
            script.type = type;
            window.policy ??= trustedTypes.createPolicy("shop", { createScriptURL: (url) => url });
            script.src = policy.createScriptURL(
              "http://acme.localhost:8000/widget.js?" + Math.random());
            document.head.append(script);
            await new Promise((done) => script.addEventListener("load", done));
          }
          const picker = document.querySelector("lastmile-picker");
          const form = picker.parentElement;
          for (let n = 0; n < 10; n += 1) {
            picker.remove();
            await new Promise((done) => setTimeout(done, n % 3));
            form.prepend(picker);
          }
          window.timers = picker.timers;
        }"""
    )
    ready(page)
    assert len(shop.api.sent("POST", "delivery-options/")) == 1
    held(page, "slt_012")
    assert len(events_of(page, "hold")) == 1
    confirmed(page)
    assert len(events_of(page, "choice")) == 1
    page.evaluate("document.querySelector('lastmile-picker').remove()")
    assert page.evaluate("timers.size") == 0
    assert page.evaluate("violations") == []
    assert shop.problems == []


def test_s18_an_element_that_is_removed_while_it_asks_starts_again_when_it_is_back(
    shop: Shop,
) -> None:
    page = shop.open()
    page.evaluate(
        """async () => {
          const picker = document.querySelector("lastmile-picker");
          const form = picker.parentElement;
          picker.remove();
          await new Promise((done) => setTimeout(done, 30));
          form.append(picker);
        }"""
    )
    ready(page)
    assert page.locator("lastmile-picker section").count() == 1
    assert shop.problems == []


# --- S19: language --------------------------------------------------------------------------------
@pytest.mark.parametrize(("page_language", "own", "title"), [
    ("es", "", "Hora de entrega"), ("es-CL", "", "Hora de entrega"),
    ("en", "es", "Hora de entrega"), ("ar", "", "موعد التوصيل"), ("es", "en", "Delivery time"),
    ("ca", "", "Delivery time"),
])  # fmt: skip
def test_s19_the_language_is_that_of_the_element_then_of_the_page_then_of_the_browser(
    shop: Shop, page_language: str, own: str, title: str
) -> None:
    shop.language = page_language
    page = ready(shop.open(lang=own or None))
    assert page.locator("#title").inner_text() == title
    assert shop.api.sent("POST")[0]["language"] in {"en", "es", "ar"}


def test_an_unknown_language_of_the_element_is_reported_once_and_counts_as_none(
    shop: Shop,
) -> None:
    shop.language = "es"
    page = ready(shop.open(lang="xx"))
    assert page.locator("#title").inner_text() == "Hora de entrega"
    page.evaluate("document.documentElement.lang = 'es-CL'")
    expect(page.locator(".slots[aria-busy=false]")).to_have_count(1)
    (problem,) = shop.problems
    assert "the attribute lang has an unknown language" in problem
    assert "en, es, ar" in problem


def test_s19_day_hours_and_money_follow_and_arabic_turns_the_inside_of_the_element_only(
    shop: Shop,
) -> None:
    shop.language = "es"
    page = ready(shop.open())
    name = slot(page, "slt_018").get_attribute("aria-label") or ""
    assert name.startswith("martes, 1 de diciembre, de 18:00 a 20:00, 5,90")
    page.evaluate("document.documentElement.lang = 'ar'")
    expect(page.locator("section.picker")).to_have_attribute("dir", "rtl")
    expect(page.locator("#day-title")).to_contain_text("الثلاثاء")
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).direction") == "ltr"
    assert page.evaluate("getComputedStyle(document.querySelector('form')).direction") == "ltr"
    expect(page.locator(".slots[aria-busy=false]")).to_have_count(1)
    assert shop.problems == []


def test_s19_a_picker_in_another_component_takes_the_language_around_it(shop: Shop) -> None:
    page = shop.open()
    page.evaluate(
        """() => {
          const host = document.createElement("div");
          host.lang = "es";
          const picker = document.querySelector("lastmile-picker");
          document.body.append(host);
          host.attachShadow({ mode: "open" }).append(picker);
        }"""
    )
    expect(page.locator("#title")).to_have_text("Hora de entrega")


# --- S20, S21: the shop's policy, blocked cookies and storage -------------------------------------
def test_s20_under_a_strict_policy_it_has_its_full_look_and_breaks_no_rule(shop: Shop) -> None:
    page = ready(shop.open())
    held(page, "slt_012")
    look = page.evaluate(
        """() => {
          const root = document.querySelector("lastmile-picker").shadowRoot;
          const box = getComputedStyle(root.querySelector(".picker"));
          const day = getComputedStyle(root.querySelector(".day"));
          const meter = getComputedStyle(root.querySelector(".meter i"));
          return [box.borderTopWidth, day.display, meter.width];
        }"""
    )
    assert look[:2] == ["1px", "grid"]
    assert float(look[2].removesuffix("px")) > 50
    confirmed(page)
    assert page.evaluate("violations") == []
    assert shop.problems == []


def test_s20_the_shop_themes_it_by_custom_properties(shop: Shop) -> None:
    page = ready(shop.open())
    page.evaluate(
        """() => {
          const sheet = new CSSStyleSheet();
          sheet.replaceSync("lastmile-picker { --lastmile-accent: rgb(200, 0, 100); }");
          document.adoptedStyleSheets = [sheet];
        }"""
    )
    held(page, "slt_012")
    colour = page.locator("button.primary").evaluate("(e) => getComputedStyle(e).backgroundColor")
    assert colour == "rgb(200, 0, 100)"


def test_s21_nothing_is_stored_in_the_browser_and_blocked_storage_does_not_matter(
    shop: Shop, context: BrowserContext
) -> None:
    context.add_init_script(
        """for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) {
          Object.defineProperty(window, name, { get() { throw new Error(name + " is blocked"); } });
        }
        Object.defineProperty(document, "cookie", { get() { throw new Error("cookies"); },
          set() { throw new Error("cookies"); } });"""
    )
    page = ready(shop.open())
    held(page, "slt_012")
    session = page.evaluate("document.querySelector('lastmile-picker').session")
    again = shop.open(session=session)
    expect(again.locator(".kept")).to_contain_text("12:00–14:00")
    confirmed(again)
    assert context.cookies() == []
    assert shop.problems == []


# --- S22: keyboard and screen reader --------------------------------------------------------------
def test_s22_every_name_holds_day_date_hours_price_and_state(shop: Shop) -> None:
    page = ready(shop.open())
    assert slot(page, "slt_012").get_attribute("aria-label") == (
        "Tuesday, 1 December, from 12:00 to 14:00, €3.90. This is the earliest option."
    )
    full = page.locator('.slot[aria-disabled="true"]').get_attribute("aria-label")
    assert full == ("Not available: Tuesday, 1 December, from 15:00 to 17:00. This time is full.")
    empty = page.locator('.day[aria-disabled="true"]').get_attribute("aria-label")
    assert empty == "Not available: Friday, 4 December"
    day = page.locator('.day[data-id="2026-12-02"]').get_attribute("aria-label")
    assert day == "Wednesday, 2 December, 4 delivery times, from Free"
    held(page, "slt_012")
    assert "€3.90, kept for you." in (slot(page, "slt_012").get_attribute("aria-label") or "")
    confirmed(page)
    page.get_by_role("button", name="Choose another time").click()
    assert "€3.90, chosen." in (slot(page, "slt_012").get_attribute("aria-label") or "")


def focused(page: Page) -> str:
    value = page.evaluate(
        "document.querySelector('lastmile-picker').shadowRoot.activeElement?.dataset.id ?? ''"
    )
    assert isinstance(value, str)
    return value


def test_s22_arrows_skip_to_the_next_day_with_offers_and_the_count_is_announced(
    shop: Shop,
) -> None:
    page = ready(shop.open())
    expect(page.locator("[role=status].screen-reader")).to_have_text(
        "Tuesday, 1 December: 4 delivery times"
    )
    page.locator('.day[data-id="2026-12-03"]').click()
    page.locator('.day[data-id="2026-12-03"]').focus()
    page.keyboard.press("ArrowRight")
    assert focused(page) == "2026-12-05", "Friday 4 December has no offers"
    expect(page.locator("[role=status].screen-reader")).to_have_text(
        "Saturday, 5 December: 4 delivery times"
    )
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("End")
    assert focused(page) == "2026-12-09"
    page.keyboard.press("Home")
    assert focused(page) == "2026-12-01"


def test_s22_with_the_keyboard_alone_a_time_is_found_held_and_confirmed(shop: Shop) -> None:
    page = ready(shop.open())
    page.keyboard.press("Tab")
    assert focused(page) == "best"
    page.keyboard.press("Tab")
    assert focused(page) == "2026-12-01"
    page.keyboard.press("Tab")
    assert focused(page) == "slt_09"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert focused(page) == "slt_012"
    assert shop.api.hold is None, "moving through the offers holds nothing"
    page.keyboard.press("ArrowRight")
    assert focused(page) == "slt_19", "the next day, its first offer"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("End")
    page.keyboard.press("Space")
    expect(page.locator(".kept")).to_be_visible()
    expect(page.locator(".slots[aria-busy=false]")).to_have_count(1)
    assert focused(page) == "slt_018"
    for _n in range(6):
        page.keyboard.press("Shift+Tab")
        if focused(page) == "confirm":
            break
    page.keyboard.press("Enter")
    expect(page.locator(".kept.chosen")).to_be_visible()
    assert in_form(page)
    assert shop.problems == []


def test_the_focus_stays_inside_when_the_focused_button_is_gone(shop: Shop) -> None:
    page = ready(shop.open())
    held(page, "slt_012")
    page.locator('[data-id="confirm"]').focus()
    page.keyboard.press("Enter")
    expect(page.locator(".kept.chosen")).to_be_visible()
    assert focused(page) == "fold"
    page.keyboard.press("Enter")
    expect(page.locator(".slots")).to_be_visible()
    assert focused(page) == "fold"


def test_a_reload_in_another_language_brings_the_sentences_in_it(shop: Shop) -> None:
    ready(shop.open())
    shop.language = "es"
    page = ready(shop.open(session="ses_1"))
    expect(page.get_by_text("Hora de entrega").first).to_be_visible()
    give_up_at = time.monotonic() + 20
    while shop.api.sessions["ses_1"]["language"] != "es" and time.monotonic() < give_up_at:
        page.wait_for_timeout(50)  # the picker changes the session after it has drawn it
    assert shop.api.sessions["ses_1"]["language"] == "es"


@pytest.mark.parametrize("look", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_axe_finds_no_serious_fault(shop: Shop, language: str, look: str) -> None:
    shop.language = language
    page = shop.open()
    page.emulate_media(color_scheme=look)  # type: ignore[arg-type]
    ready(page)
    assert violations(page) == []
    slot(page, "slt_012").click()
    expect(page.locator(".kept")).to_be_visible()
    assert violations(page) == []
    page.locator('[data-id="confirm"]').click()
    expect(page.locator(".kept.chosen")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_page(shop: Shop, width: int) -> None:
    page = shop.open()
    page.set_viewport_size({"width": width, "height": 700})
    ready(page)
    held(page, "slt_012")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# --- what goes wrong ------------------------------------------------------------------------------
def test_a_full_time_says_so_and_offers_others(shop: Shop) -> None:
    page = ready(shop.open())
    shop.api.full.add("slt_012")
    slot(page, "slt_012").click()
    expect(page.get_by_role("alert")).to_contain_text("This time is full. Choose another time.")
    expect(slot(page, "slt_012")).to_have_count(0)
    page.get_by_role("alert").get_by_role("button", name="1 Dec, 09:00–11:00").click()
    expect(page.locator(".kept")).to_contain_text("09:00–11:00")
    expect(page.locator(".note.wrong")).to_be_hidden()


def test_an_address_that_nobody_serves_gets_the_sentence_of_the_server(shop: Shop) -> None:
    page = shop.open(address="On the moon")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("No hub serves this address. Choose another address.")
    page.evaluate("document.querySelector('lastmile-picker').address = 'Rua 1'")
    ready(page)
    expect(alert).to_be_hidden()


def test_without_an_address_it_asks_for_one_and_calls_nobody(shop: Shop) -> None:
    page = shop.open(address=None)
    expect(picker(page)).to_contain_text("Enter your address to see the delivery times.")
    assert shop.api.calls == []


def test_a_busy_server_is_asked_again_with_the_same_idempotency_key(shop: Shop) -> None:
    shop.api.down = 2
    page = ready(shop.open())
    keys = {headers["idempotency-key"] for headers in shop.api.headers}
    assert (len(shop.api.headers), len(keys)) == (3, 1)
    shop.api.down = 9
    slot(page, "slt_012").click()
    expect(page.get_by_role("alert")).to_contain_text("The service is busy. Try again.")
    shop.api.down = 0
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".kept")).to_contain_text("12:00–14:00")


def test_a_hold_that_ends_is_said_and_the_offers_are_read_again(
    shop: Shop, context: BrowserContext
) -> None:
    page = context.new_page()
    page.clock.install()
    page.goto(SHOP)
    ready(page)
    held(page, "slt_012")
    page.clock.run_for(14 * 60_000)
    expect(page.locator(".kept")).to_contain_text("1 minute left")
    shop.api.hold = None
    shop.api.full.add("slt_09")  # another shopper took the last place
    page.clock.run_for(62_000)
    expect(page.locator(".note:visible")).to_contain_text("Choose a time again.")
    expect(page.locator(".kept")).to_be_hidden()
    assert [d["reason"] for d in events_of(page, "change")][-1] == "hold-ended"
    page.clock.run_for(1_000)
    expect(slot(page, "slt_09")).to_have_count(0)
    expect(slot(page, "slt_012")).to_have_attribute("aria-checked", "false")
    assert len(shop.api.sent("PATCH")) == 1


def test_days_that_are_not_ready_are_asked_for_again(shop: Shop, context: BrowserContext) -> None:
    shop.api.not_ready = ["2026-12-07"]
    page = context.new_page()
    page.clock.install()
    page.goto(SHOP)
    ready(page)
    expect(picker(page)).to_contain_text("More days will follow in a moment.")
    shop.api.not_ready = []
    page.clock.run_for(4_100)
    expect(picker(page)).not_to_contain_text("More days will follow in a moment.")
    assert shop.api.sent("PATCH") == [{}]


def test_without_any_time_it_says_whom_to_ask(shop: Shop) -> None:
    shop.api.dates = ()
    page = shop.open()
    expect(page.locator(".note:visible")).to_contain_text("There is no delivery time")
    shop.api.not_ready = ["2026-12-01"]
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".note:visible")).to_contain_text("There is no delivery time")
    again = shop.open()
    expect(again.locator(".note:visible")).to_contain_text("are being prepared")
    assert shop.problems == []


def test_reasons_that_compare_with_another_place_in_the_list_are_left_out(shop: Shop) -> None:
    shop.api.reason = "later"
    page = ready(shop.open())
    assert slot(page, "slt_012").locator(".why").inner_text() == ""
    assert (slot(page, "slt_012").get_attribute("aria-label") or "").endswith("€3.90.")


def test_confirm_auto_and_required_and_reset(shop: Shop) -> None:
    page = ready(shop.open(confirm="auto", required=""))
    assert page.evaluate("document.forms[0].checkValidity()") is False
    slot(page, "slt_012").click()
    expect(page.locator(".kept.chosen")).to_be_visible()
    assert page.evaluate("document.forms[0].checkValidity()") is True
    assert in_form(page)
    page.evaluate("document.forms[0].reset()")
    expect(page.locator(".kept")).to_be_hidden()
    assert in_form(page) is None
    assert shop.api.choice is None


def test_a_shop_confirms_by_script_before_it_orders(shop: Shop) -> None:
    page = ready(shop.open())
    nothing = page.evaluate(
        "document.querySelector('lastmile-picker').confirm().catch((error) => error.code)"
    )
    assert nothing == "nothing_held"
    held(page, "slt_012")
    value = page.evaluate("document.querySelector('lastmile-picker').confirm()")
    assert re.fullmatch(r"chc_\d+", value)
    assert in_form(page) == value


def test_a_page_from_the_back_button_shows_the_present_state(shop: Shop) -> None:
    page = ready(shop.open())
    held(page, "slt_012")
    shop.api.hold = None
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator(".kept")).to_be_hidden()


def test_the_fake_has_the_fields_of_the_real_api() -> None:
    fake = FakeCheckout()
    fake.answer("POST", "/api/v1/delivery-options/", {"place": {"text": "x"}})
    fake.answer("POST", "/api/v1/holds/", {"session": "ses_1", "offer": "slt_09"})
    fake.answer("POST", "/api/v1/choices/", {"hold": "hld_2", "price_minor": 390})
    picture = fake.picture("ses_1")
    for shape, value in (
        (shapes.DeliveryOptionsOut, picture), (shapes.PricedOfferOut, picture["offers"][0]),
        (shapes.HoldOut, picture["hold"]), (shapes.ChoiceOut, picture["choice"]),
        (shapes.NotOfferedOut, picture["not_offered"][0]),
        (shapes.DeliveryBasketOut, picture["basket"]),
    ):  # fmt: skip
        assert set(value) == set(shape().fields), shape.__name__


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"street": "Rua A", "city": "Lisboa"}, {"street": "Rua B", "city": "Lisboa"}),
        ({"lat": "38.7", "lon": "-9.1"}, {"lat": "38.8", "lon": "-9.1"}),
    ],
)
def test_a_stored_session_of_another_address_in_any_form_is_not_used_again(
    shop: Shop, before: dict[str, str], after: dict[str, str]
) -> None:
    page = ready(shop.open(**{"address": ""} | before))
    session = events_of(page)[0]["session"]
    ready(shop.open(**before, session=session))
    assert len(shop.api.sent("POST", "delivery-options/")) == 1, "the same place is used again"
    ready(shop.open(**after, session=session))
    assert len(shop.api.sent("POST", "delivery-options/")) == 2


# --- requested times and time zones ---------------------------------------------------------------
def test_a_time_that_a_dispatcher_must_confirm_reads_requested_and_never_booked(shop: Shop) -> None:
    shop.api.requested = True
    page = ready(shop.open())
    held(page, "slt_012")
    kept = page.locator(".kept")
    assert "the shop still has to confirm this time" in kept.inner_text()
    assert page.get_by_role("button", name="Confirm this time").count() == 0
    page.get_by_role("button", name="Request this time").click()
    expect(kept.get_by_text("Your requested time")).to_be_visible()
    expect(page.get_by_role("status").first).to_contain_text("Your requested time Tuesday")
    assert "Your delivery time" not in kept.inner_text()
    (detail,) = events_of(page, "choice")
    assert detail["requested"] is True
    assert violations(page) == []
    again = shop.open(session=detail["session"])
    expect(again.locator(".kept").get_by_text("Your requested time")).to_be_visible()


@pytest.mark.parametrize(
    ("zone", "named"), [("Europe/Lisbon", False), ("Europe/London", False), ("Asia/Dubai", True)]
)
def test_the_zone_of_the_times_is_named_to_a_reader_whose_clock_shows_another_time(
    browser: Browser, zone: str, named: bool
) -> None:
    context = browser.new_context(timezone_id=zone)
    page = ready(Shop(context).open())
    note = page.get_by_text("All times here are local times of Lisbon (GMT+00:00).")
    expect(note).to_be_visible(visible=named)
    expect(slot(page, "slt_012")).to_contain_text("12:00–14:00")
    context.close()

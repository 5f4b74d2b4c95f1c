"""A message says what its order says now, in the reader's language and zone, byte for byte."""

from __future__ import annotations

import datetime as dt
from html import escape
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from dispatch.orders.drafts import PlaceDraft, ShopperDraft
from dispatch.orders.models import Direction, Option, Order
from lastmile.core import derived
from lastmile.core.actor import acting_as
from lastmile.core.tenancy import RetailerRef, current_retailer
from notifications.catalogue.moments import BY_KEY
from notifications.catalogue.texts import default_parts
from notifications.models import Message, MessageTemplate
from notifications.rendering.render import names_in, render, with_link
from notifications.rendering.rendered import CODE_MARK, LINK_MARK, Rendered
from notifications.wording import segments
from tests.dispatch.conftest import SetClock
from tests.dispatch.orders.actions import attempt, out
from tests.factories import make_hub, make_order
from tests.factories.orders import DAY
from tests.portal.tracking.shoppers import promise

HOSTILE = "Tom & Jerry's <24h>"


@pytest.fixture
def order(retailer: RetailerRef, clock: SetClock) -> Order:
    make_hub()
    return make_order(shopper=ShopperDraft(name="Ana Pérez", phone="+351912345678"))


def message(order: Order | None, moment: str = "out_for_delivery", **fields: object) -> Message:
    defaults: dict[str, object] = {
        "moment": moment,
        "channel": "sms",
        "language": "en",
        "zone": "Europe/Lisbon",
        "order": order,
    }
    return Message(**(defaults | fields))


def rendered(order: Order | None, moment: str = "out_for_delivery", **fields: object) -> Rendered:
    result = render(message(order, moment, **fields), order)
    assert result is not None
    return result


def test_the_first_sentence_answers_where_the_order_is(order: Order) -> None:
    promise(order)
    shop = current_retailer().shop_name
    text = rendered(out(order)).text
    assert text == (
        f"Your order from {shop} is on its way. We agreed on 10:00 to 12:00. Follow it: {LINK_MARK}"
    )


def test_an_order_without_a_time_is_only_on_its_way(order: Order) -> None:
    text = rendered(out(order)).text
    assert "is on its way. Follow it:" in text
    assert "between" not in text


def test_a_return_and_a_pickup_have_words_of_their_own(order: Order) -> None:
    returned = make_order(direction=Direction.RETURN)
    promise(returned)
    promise(order, option=Option.CURBSIDE)
    assert "picks up your return on Monday, 23 November between 10:00 and 12:00." in (
        rendered(returned, "promise_confirmed").text
    )
    assert rendered(order, "promise_confirmed").text.startswith("You can collect your order from")


def test_a_failed_attempt_says_why_in_the_reader_s_language(order: Order, clock: SetClock) -> None:
    promise(order)
    out(order)
    clock(dt.datetime.combine(DAY, dt.time(12), dt.UTC))
    attempt(order, outcome="failed", reason="not_home")
    order.refresh_from_db()
    assert ": nobody was at home." in rendered(order, "failed").text
    assert ": no había nadie en casa." in rendered(order, "failed", language="es").text
    assert "لم يكن أحد في المنزل" in rendered(order, "failed", language="ar").text


@pytest.mark.parametrize("channel", ["sms", "whatsapp", "push", "email"])
def test_m06_a_shop_name_arrives_byte_for_byte(
    order: Order, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RetailerRef, "shop_name", property(lambda ref: HOSTILE))
    promise(order)
    result = rendered(order, "promise_changed", channel=channel)
    assert HOSTILE in result.text
    assert "&amp;" not in result.text
    assert "&#" not in result.text
    if channel == "email":
        assert HOSTILE in result.subject
        assert HOSTILE not in result.html, "only the HTML part is escaped"
        assert escape(HOSTILE) in result.html


def test_m06_an_address_arrives_byte_for_byte(retailer: RetailerRef, clock: SetClock) -> None:
    make_hub()
    order = make_order(place=PlaceDraft(text=f"{HOSTILE}, Lisboa", lat=38.72, lon=-9.14))
    promise(order)
    assert f"{HOSTILE}, Lisboa" in rendered(order, "place_changed").text
    letter = rendered(order, "place_changed", channel="email")
    assert f"{HOSTILE}, Lisboa" in letter.text
    assert escape(f"{HOSTILE}, Lisboa") in letter.html


def test_braces_and_signs_in_a_value_are_no_pattern(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RetailerRef, "shop_name", property(lambda ref: "{link} '#' {0} ⟦code⟧"))
    promise(order)
    text = rendered(order, "promise_changed").text
    assert "{link} '#' {0} code" in text
    assert CODE_MARK not in text
    assert text.count(LINK_MARK) == 1


def test_m10_the_bytes_depend_on_the_order_alone(order: Order) -> None:
    promise(order, opens=22, closes=23)
    wanted = rendered(order, "promise_changed", language="es")
    assert "el lunes" in wanted.text
    assert "22:00" in wanted.text
    for language, zone, actor in (
        ("ar", "Asia/Kathmandu", "mbr_1"),
        ("en", "Pacific/Auckland", "key_1"),
        ("es", "UTC", "system"),
    ):
        with translation.override(language), timezone.override(ZoneInfo(zone)), acting_as(actor):
            assert rendered(order, "promise_changed", language="es") == wanted


def test_m10_times_are_those_of_the_message_s_zone(order: Order) -> None:
    promise(order, opens=22, closes=23)
    far = rendered(order, "promise_changed", zone="Asia/Tokyo").text
    assert "on Tuesday, 24 November between 07:00 and 08:00" in far


def test_links_and_codes_are_marks_and_counted_as_they_are_sent(order: Order) -> None:
    promise(order)
    result = rendered(order, "promise_changed")
    assert result.text.endswith(LINK_MARK)
    assert "/t/" not in result.text
    full = with_link(order, result.text)
    assert result.segments == segments.count(full).segments
    code = rendered(order, "step_up_code")
    assert code.text.startswith(f"{CODE_MARK} is your code")
    assert "It is valid for 10 minutes." in code.text
    assert code.segments == 1


def test_a_text_without_a_link_makes_none(order: Order) -> None:
    rendered(order, "step_up_code")
    assert not derived.known_secret(purpose="shopper_link", subject=order.public_id)


def test_the_retailer_s_own_words_are_used(order: Order) -> None:
    MessageTemplate.objects.create(
        moment="delivered",
        language="en",
        channel="sms",
        parts={"text": "Hi {first_name}, {number} is there."},
        version=7,
    )
    result = rendered(order, "delivered")
    assert result.text == f"Hi Ana, {order.external_id} is there."
    assert result.version == 7
    assert result.digest != rendered(order, "delivered", language="es").digest


def test_a_missing_value_leaves_no_gap(order: Order) -> None:
    MessageTemplate.objects.create(
        moment="delivered",
        language="en",
        channel="sms",
        parts={"text": "Hi {first_name}, it is there.\n{first_name}, thank you."},
    )
    order.shopper.name = ""
    assert rendered(order, "delivered").text == "Hi, it is there.\nthank you."


def test_a_channel_without_a_text_is_not_rendered(order: Order) -> None:
    assert render(message(order, "step_up_code", channel="push"), order) is None
    assert render(message(order, "no_such_moment"), order) is None


def test_english_times_of_the_united_states_stay_cheap(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CLDR writes a narrow space before PM, which would double the price."""
    monkeypatch.setattr(RetailerRef, "zone", "America/New_York")
    promise(order, opens=18, closes=20)
    result = rendered(order, "promise_changed", zone="America/New_York")
    assert "1:00 PM" in result.text
    assert segments.count(result.text.replace(LINK_MARK, "x")).alphabet == "GSM-7"


def test_arabic_mail_reads_from_right_to_left(order: Order) -> None:
    promise(order)
    letter = rendered(order, "promise_changed", channel="email", language="ar")
    assert 'dir="rtl"' in letter.html
    assert 'lang="ar"' in letter.html
    assert f'href="{LINK_MARK}"' in letter.html
    assert "[[" not in letter.html


def test_a_message_to_staff_leads_to_its_page(retailer: RetailerRef, clock: SetClock) -> None:
    hub = make_hub(name="Centro <b>")
    values = {"hub": hub.public_id, "day": "2026-11-24", "orders": 1}
    note = rendered(None, "nothing_planned", channel="email", values=values)
    assert note.subject == "Centro <b>: no plan is published for Tuesday, 24 November"
    assert "and 1 order waits for it." in note.text
    assert f"/console/{hub.public_id}/2026-11-24/" in note.text
    assert "Centro &lt;b&gt;" in note.html


def test_every_default_can_be_rendered_for_an_order(order: Order, clock: SetClock) -> None:
    promise(order)
    for moment in BY_KEY.values():
        if moment.group == "staff":
            continue
        for channel in moment.channels:
            for language in ("en", "es", "ar"):
                parts = default_parts(moment.key, channel, language)
                if parts is None:
                    continue
                result = rendered(order, moment.key, channel=channel, language=language)
                for name in frozenset().union(*map(names_in, parts.values())):
                    assert f"{{{name}}}" not in result.text
                assert "\ue000" not in result.text + result.subject + result.html

"""A preview of an e-mail has its HTML part, in which every value is escaped."""

from __future__ import annotations

from django.utils import translation

from dispatch.orders.drafts import ShopperDraft
from lastmile.core import formatting
from lastmile.core.tenancy import RetailerRef
from notifications.catalogue.moments import BY_KEY
from notifications.selectors.previews import TemplateDraft, preview_of
from tests.factories import make_hub, make_order


def test_the_html_of_a_mail_is_previewed_and_escaped(retailer: RetailerRef) -> None:
    make_hub()
    order = make_order(shopper=ShopperDraft(name="Ana<b>", phone="+351912345678"))
    parts = {"subject": "Hi <i>", "body": "{first_name} & you", "button": "See it"}
    draft = TemplateDraft(moment=BY_KEY["delivered"], channel="email", language="en", parts=parts)
    preview = preview_of(draft, order)
    assert preview.parts["body"] == "Ana<b> & you"
    assert "Ana&lt;b&gt; &amp; you</p>" in preview.html
    assert "/t/example-" in preview.html
    assert "[[" not in preview.html


def test_a_message_to_staff_is_previewed_with_examples(retailer: RetailerRef) -> None:
    moment = BY_KEY["import_ended"]
    parts = {"subject": "{orders, number}", "body": "{refused, plural, one {#} other {# rows}}"}
    draft = TemplateDraft(moment=moment, channel="email", language="en", parts=parts)
    shown = preview_of(draft, None).parts
    with translation.override("en"):
        number = formatting.number(1234)
    assert (shown["subject"], shown["body"]) == (number, "3 rows")


def test_the_longest_text_is_counted_in_the_alphabet_that_the_order_needs(
    retailer: RetailerRef,
) -> None:
    make_hub()
    parts = {"text": "{first_name}, {shop}: your order is here and waits for you. {link}"}
    draft = TemplateDraft(moment=BY_KEY["delivered"], channel="sms", language="en", parts=parts)
    for name, alphabet in (("Ana", "GSM-7"), ("Íñigo", "UCS-2")):
        order = make_order(shopper=ShopperDraft(name=name, phone="+351912345678"))
        preview = preview_of(draft, order)
        assert preview.length is not None
        assert preview.longest is not None
        assert preview.length.alphabet == preview.longest.alphabet == alphabet
        assert preview.longest.segments >= preview.length.segments

"""The retailer's own words are checked before they are saved, and every version is kept."""

from __future__ import annotations

from typing import Any

import pytest

from lastmile.core.errors import Invalid, Stale
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.catalogue.kinds import Moment
from notifications.catalogue.moments import BY_KEY
from notifications.models import MessageTemplate, MomentSetting, TemplateVersion
from notifications.rendering.child import CompileFailed
from notifications.rendering.render import wording_of
from notifications.selectors.previews import TemplateDraft
from notifications.services import templates
from notifications.services.templates import restore_default, save_template, set_moment
from tenants.people.models import AuditEntry

DELIVERED, RATING, CODE = BY_KEY["delivered"], BY_KEY["rating"], BY_KEY["step_up_code"]


def draft(
    text: str, moment: Moment = DELIVERED, channel: str = "sms", **more: Any
) -> TemplateDraft:
    parts = more.pop("parts", {"text": text})
    return TemplateDraft(moment=moment, channel=channel, language="en", parts=parts, **more)


def refused(draft_: TemplateDraft) -> list[tuple[str, str, str]]:
    """Return pointer, code and sentence of each fault; nothing was saved."""
    with pytest.raises(Invalid) as caught:
        save_template(draft=draft_, version=0)
    assert not MessageTemplate.objects.exists()
    assert not TemplateVersion.objects.exists()
    return [(error.pointer, error.code, error.detail) for error in caught.value.errors]


def test_own_words_replace_the_default_and_keep_their_versions(retailer: RetailerRef) -> None:
    first = save_template(draft=draft("{shop} was here."), version=0)
    second = save_template(draft=draft("{shop} was here: {link}"), version=1)
    assert (first.pk, second.version) == (second.pk, 2)
    wording = wording_of("delivered", "sms", "en")
    assert wording is not None
    assert wording.parts == {"text": "{shop} was here: {link}"}
    texts = [version.parts["text"] for version in second.versions.order_by("version")]
    assert texts == ["{shop} was here.", "{shop} was here: {link}"]
    acts = list(AuditEntry.objects.values_list("act", flat=True))
    assert acts.count("message_template.changed") == 2


def test_going_back_uses_the_default_and_keeps_the_versions(retailer: RetailerRef) -> None:
    save_template(draft=draft("Own."), version=0)
    row = restore_default(moment=DELIVERED, language="en", channel="sms", version=1)
    wording = wording_of("delivered", "sms", "en")
    assert wording is not None
    assert "was delivered" in wording.parts["text"]
    assert row.versions.count() == 2
    save_template(draft=draft("Own again."), version=2)


def test_an_old_form_changes_nothing(retailer: RetailerRef) -> None:
    save_template(draft=draft("First."), version=0)
    for version in (0, 2):
        with pytest.raises(Stale):
            save_template(draft=draft("Second."), version=version)
    assert MessageTemplate.objects.get().parts == {"text": "First."}
    assert TemplateVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "empty", "This is empty."),
        ("Hello {shp}", "unknown_variable", "Line 1, character 8: There is no variable “shp” here"),
        ("a\nb {shop", "not_closed", "Line 2, character 3: This { is never closed."),
        ("{shop, plural, other {x}}", "not_a_number", "is a text and no number"),
        ("{way}", "only_for_select", "is not for reading"),
        ("{way, select, drone {x} other {y}}", "unknown_choice", "“drone” never occurs"),
        ("{place, date, short}", "type_not_allowed", "Days and times have variables."),
        ("{shop} " * 40, "longest", "more than 1400 characters"),
        ("x" * 2001, "too_long", "more than 2,000 characters"),
    ],
)
def test_a_faulty_text_is_refused_with_its_place_and_remedy(
    retailer: RetailerRef, text: str, code: str, words: str
) -> None:
    ((pointer, found_code, sentence),) = refused(draft(text))
    assert (pointer, found_code) == ("/parts/text", code)
    assert words in sentence


def test_a_needed_variable_must_be_in_every_case(retailer: RetailerRef) -> None:
    assert refused(draft("How was it?", RATING))[0][1] == "needed"
    assert refused(draft("{way, select, return {{link}} other {no}}", RATING))[0][1] == "needed"
    assert refused(draft("Your code is {minutes}.", CODE))[0][2].startswith("Each case")
    save_template(draft=draft("How was it? {link}", RATING), version=0)


def test_the_button_of_an_e_mail_carries_the_link(retailer: RetailerRef) -> None:
    parts = {"subject": "How was it?", "body": "Tell us.", "button": "Rate"}
    save_template(draft=draft("", RATING, "email", parts=parts), version=0)
    parts.pop("button")
    MessageTemplate.objects.all().delete()
    assert refused(draft("", RATING, "email", parts=parts))[0][0] == "/parts/body"


def test_all_faults_are_told_at_once(retailer: RetailerRef) -> None:
    parts = {"subject": "{x}", "body": "", "button": "{y"}
    faults = refused(draft("", DELIVERED, "email", parts=parts))
    assert {pointer for pointer, _code, _sentence in faults} == {
        *("/parts/subject", "/parts/body", "/parts/button"),
    }


def test_a_text_that_the_child_cannot_compile_is_refused(
    retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_args: object, **_more: object) -> None:
        raise CompileFailed("limits")

    monkeypatch.setattr(templates, "compile_patterns", fails)
    assert "could not be compiled" in refused(draft("Fine."))[0][2]


def test_a_content_template_is_checked(retailer: RetailerRef) -> None:
    sid = "HX" + "0a" * 16
    good = {"content_sid": sid, "content_variables": {"1": "{shop}", "2": "{place}"}}
    row = save_template(draft=draft("Done.", channel="whatsapp", **good), version=0)
    assert (row.content_sid, row.content_variables["2"]) == (sid, "{place}")
    MessageTemplate.objects.all().delete()
    bad = {"content_sid": "XX1", "content_variables": {"a": "{nope}"}}
    pointers = {pointer for pointer, _c, _s in refused(draft("x", channel="whatsapp", **bad))}
    assert pointers == {"/content_sid", "/content_variables", "/content_variables/a"}


def test_a_language_or_channel_without_texts_is_refused(retailer: RetailerRef) -> None:
    parts = {"subject": "x", "text": "x"}
    with pytest.raises(Invalid):
        save_template(draft=draft("x", CODE, "push", parts=parts), version=0)


def test_a_moment_has_channels_in_an_order_and_can_be_off(retailer: RetailerRef) -> None:
    row = set_moment(moment=DELIVERED, is_on=False, channels=["email", "sms"], version=0)
    assert (row.is_on, row.channels, row.version) == (False, ["email", "sms"], 1)
    with pytest.raises(Stale):
        set_moment(moment=DELIVERED, is_on=True, channels=["sms"], version=0)
    for channels in ([], ["fax"], ["sms", "sms"]):
        with pytest.raises(Invalid):
            set_moment(moment=DELIVERED, is_on=True, channels=channels, version=1)
    with pytest.raises(Invalid, match="Codes cannot be switched off"):
        set_moment(moment=CODE, is_on=False, channels=["sms"], version=0)
    assert MomentSetting.objects.get().version == 1


def test_words_of_one_retailer_are_not_those_of_another(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    save_template(draft=draft("Own."), version=0)
    with retailer_context(other):
        wording = wording_of("delivered", "sms", "en")
        assert wording is not None
        assert wording.version == 0

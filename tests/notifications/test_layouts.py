"""The layout of e-mails: compiled on save in a bounded child, and it can run or load nothing."""

from __future__ import annotations

import pytest
from django.test import Client

from lastmile.core.errors import Invalid, Stale
from lastmile.core.tenancy import RetailerRef, retailer_context
from notifications.models import EmailLayout
from notifications.rendering.mail import PLACEHOLDERS, Letter, default_mjml, filled, html_of
from notifications.rendering.stop_lines import StopLine
from notifications.services.layouts import compiled, restore_layout, save_layout
from notifications.wording.layouts import layout_faults
from tenants.people.models import AuditEntry
from tenants.permissions import Role
from tests.people import add_member, logged_in

GOOD = """\
<mjml>
  <mj-head><mj-title>[[subject]]</mj-title></mj-head>
  <mj-body>
    <mj-section>
      <mj-column>
        <mj-image src="https://shop.example/logo.png" alt="Logo" />
        <mj-text>Our frame: [[body]]</mj-text>
        <mj-raw><!-- button --></mj-raw>
        <mj-button href="[[target]]">[[button]]</mj-button>
        <mj-raw><!-- /button --></mj-raw>
        <mj-text><a href="mailto:help@shop.example">Help</a> <br /> [[footer]]</mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""
HOSTILE = "<script>alert(1)</script> Tom & Jerry's <24h> \"'`"
LETTER = Letter(
    subject=HOSTILE,
    preheader=HOSTILE,
    body=f"{HOSTILE}\n\nsecond",
    button=HOSTILE,
    target="https://t1.localhost/t/secret/",
    language="en",
    stop=StopLine(why=HOSTILE, label=HOSTILE, target="https://t1.localhost/u/secret/"),
)
BAD = [
    ('<mj-raw><script src="https://evil.example/x.js"></script></mj-raw>', "element"),
    ("<mj-raw><!-- other --></mj-raw>", "element"),
    ("<mj-raw>text</mj-raw>", "element"),
    ('<mj-include path="/etc/passwd" />', "element"),
    ("<mj-html-attributes></mj-html-attributes>", "element"),
    ("<mj-style>@import url(https://evil.example)</mj-style>", "element"),
    ('<mj-font name="x" href="https://evil.example/x.css" />', "element"),
    ("<mj-text><script>alert(1)</script></mj-text>", "element"),
    ("<mj-text><SCRIPT>alert(1)</SCRIPT></mj-text>", "element"),
    ('<mj-text><iframe src="https://evil.example"></iframe></mj-text>', "element"),
    ('<mj-text><form action="https://evil.example"></form></mj-text>', "element"),
    ("<mj-text><svg/onload=alert(1)></mj-text>", "element"),
    ("<mj-text><!--[if mso]><script></script><![endif]--></mj-text>", "element"),
    ("<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>", "element"),
    ("<?xml-stylesheet href='x'?>", "element"),
    ("<mj-text><p onclick=alert(1)>x</p></mj-text>", "attribute"),
    ('<mj-text><p ONCLICK="alert(1)">x</p></mj-text>', "attribute"),
    ('<mj-text><p style="background:url(https://evil.example)">x</p></mj-text>', "attribute"),
    ('<mj-text><p style="x:\\75rl(y)">x</p></mj-text>', "attribute"),
    ('<mj-text><p title="[[body]]">x</p></mj-text>', "attribute"),
    ('<mj-text><a href="javascript:alert(1)">x</a></mj-text>', "address"),
    ('<mj-text><a href=" java\nscript:alert(1)">x</a></mj-text>', "address"),
    ('<mj-text><a href="&#106;avascript:alert(1)">x</a></mj-text>', "address"),
    ('<mj-text><a href="data:text/html,x">x</a></mj-text>', "address"),
    ('<mj-text><a href="http://shop.example">x</a></mj-text>', "address"),
    ('<mj-image src="http://shop.example/x.png" />', "address"),
    ('<mj-text><a href="https://x.example/[[subject]]">x</a></mj-text>', "attribute"),
    ("<mj-text>[[nonsense]]</mj-text>", "placeholder"),
]


def with_part(part: str) -> str:
    return GOOD.replace("<mj-image", f"{part}\n<mj-image")


def test_the_default_layout_and_a_good_one_have_no_faults() -> None:
    assert layout_faults(default_mjml(), PLACEHOLDERS) == []
    assert layout_faults(GOOD, PLACEHOLDERS) == []


@pytest.mark.parametrize(("part", "code"), BAD)
def test_what_could_run_or_load_something_is_refused(part: str, code: str) -> None:
    faults = layout_faults(with_part(part), PLACEHOLDERS)
    assert code in {fault.code for fault in faults}
    with pytest.raises(Invalid):
        compiled(with_part(part))


@pytest.mark.parametrize("name", ["body", "button", "target"])
def test_a_layout_must_have_the_places_of_the_text_and_the_button(name: str) -> None:
    (fault,) = layout_faults(GOOD.replace(f"[[{name}]]", "#"), PLACEHOLDERS)
    assert (fault.code, fault.word) == ("missing", name)


@pytest.mark.parametrize("mjml", ["", "hello", "<p>[[body]][[button]][[target]]</p>", "x" * 70_000])
def test_another_text_is_no_layout(mjml: str) -> None:
    with pytest.raises(Invalid) as refused:
        compiled(mjml)
    assert refused.value.errors[0].pointer == "/mjml"


def test_a_layout_that_the_compiler_refuses_says_why() -> None:
    with pytest.raises(Invalid) as refused:
        compiled(GOOD.replace("</mj-column>", ""))
    assert "MJML" in refused.value.errors[0].detail


def test_a_fault_names_its_line() -> None:
    with pytest.raises(Invalid) as refused:
        compiled(with_part("<mj-text><script></script></mj-text>"))
    line = 1 + with_part("<script>").splitlines().index(
        next(row for row in with_part("<script>").splitlines() if "<script>" in row)
    )
    assert f"{line}" in refused.value.errors[0].detail


def test_m06_texts_are_escaped_in_every_place_of_a_layout(retailer: RetailerRef) -> None:
    for layout in (compiled(GOOD), compiled(default_mjml())):
        html = filled(layout, LETTER)
        assert "<script>alert" not in html
        assert "Tom &amp; Jerry&#x27;s &lt;24h&gt;" in html
        assert 'href="https://t1.localhost/t/secret/"' in html
        assert 'href="https://t1.localhost/u/secret/"' in html
        assert "[[" not in html


def test_a_layout_without_a_place_for_the_way_to_stop_has_it_under_the_text(
    retailer: RetailerRef,
) -> None:
    html = filled(compiled(GOOD.replace(" [[footer]]", "")), LETTER)
    assert html.count('href="https://t1.localhost/u/secret/"') == 1


def test_a_text_that_looks_like_a_placeholder_is_not_filled(retailer: RetailerRef) -> None:
    letter = Letter(
        subject="s",
        preheader="p",
        body="[[target]] [[shop]]",
        button="b",
        target="#",
        language="en",
    )
    assert "[[target]] [[shop]]" in filled(compiled(GOOD), letter)


def test_a_saved_layout_frames_the_mails_of_this_retailer_only(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    row = save_layout(mjml=GOOD, version=0)
    assert (row.version, save_layout(mjml=GOOD, version=1).version) == (1, 1)
    assert "Our frame:" in html_of(LETTER)
    with retailer_context(other):
        assert "Our frame:" not in html_of(LETTER)
    with pytest.raises(Stale):
        save_layout(mjml=GOOD + " ", version=0)
    restore_layout(version=1)
    assert "Our frame:" not in html_of(LETTER)
    acts = AuditEntry.objects.filter(act__startswith="email_layout").values_list("act", flat=True)
    assert sorted(acts) == ["email_layout.changed", "email_layout.restored"]


# --- the page ---------------------------------------------------------------------------------
@pytest.fixture
def manager(retailer: RetailerRef) -> Client:
    return logged_in(retailer, add_member(Role.MANAGER))


def test_a_manager_changes_the_layout_and_goes_back(manager: Client) -> None:
    page = manager.get("/messages/layout/")
    assert "mj-body" in page.content.decode()
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    answer = manager.post("/messages/layout/", {"mjml": GOOD, "version": "0"})
    assert answer.status_code == 302
    assert EmailLayout.objects.get().mjml == GOOD
    answer = manager.post("/messages/layout/", {"what": "restore", "version": "1"})
    assert answer.status_code == 302
    assert not EmailLayout.objects.exists()


def test_a_refused_layout_is_shown_again_and_not_saved(manager: Client) -> None:
    bad = with_part("<mj-text><script>alert(1)</script></mj-text>")
    answer = manager.post("/messages/layout/", {"mjml": bad, "version": "0"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not EmailLayout.objects.exists()


def test_the_preview_runs_and_loads_nothing(manager: Client) -> None:
    for mjml, status in ((GOOD, 200), ("<mjml>", 422)):
        answer = manager.post("/messages/layout/preview/", {"mjml": mjml})
        policy = answer.headers["Content-Security-Policy"]
        assert answer.status_code == status
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "allow-scripts" not in policy
    assert not EmailLayout.objects.exists()


def test_a_dispatcher_does_not_change_the_layout(retailer: RetailerRef) -> None:
    dispatcher = logged_in(retailer, add_member(Role.DISPATCHER))
    assert dispatcher.get("/messages/layout/").status_code == 403
    assert dispatcher.post("/messages/layout/", {"mjml": GOOD, "version": "0"}).status_code == 403
    assert not EmailLayout.objects.exists()

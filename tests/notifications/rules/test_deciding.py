"""The rules: each has a name, they are asked in order, and late means not sent."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from notifications.catalogue.kinds import Priority
from notifications.rules import SendFacts, Verdict, ruling_of

NOON = dt.datetime(2026, 6, 1, 10, tzinfo=dt.UTC)  # 12:00 in Madrid
NIGHT = dt.datetime(2026, 6, 1, 20, tzinfo=dt.UTC)  # 22:00 in Madrid
MORNING = dt.datetime(2026, 6, 2, 6, tzinfo=dt.UTC)  # 8:00 in Madrid
HOUR = dt.timedelta(hours=1)


def facts(at: dt.datetime = NOON, **changes: Any) -> SendFacts:
    values: dict[str, Any] = {
        "now": at,
        "send_at": at,
        "not_after": at + HOUR,
        "channel": "sms",
        "group": "delivery",
        "priority": Priority.NORMAL,
        "zone": ZoneInfo("Europe/Madrid"),
        "quiet_from_minute": 1260,
        "quiet_until_minute": 480,
        "per_number_day": 6,
        "per_order": 25,
    }
    return SendFacts(**(values | changes))


def test_without_an_objection_it_is_sent() -> None:
    ruling = ruling_of(facts())
    assert (ruling.verdict, ruling.reason) == (Verdict.OK, "")


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({"is_erased": True}, Verdict.SKIP, "erased"),
        ({"is_restored_copy": True}, Verdict.SKIP, "restored_copy"),
        ({"has_account": False}, Verdict.NEXT_CHANNEL, "no_channel"),
        ({"has_contact": False}, Verdict.NEXT_CHANNEL, "no_number"),
        ({"has_contact": False, "channel": "email"}, Verdict.NEXT_CHANNEL, "no_email"),
        ({"has_contact": False, "channel": "push"}, Verdict.NEXT_CHANNEL, "no_push"),
        ({"opted_out_by": "word"}, Verdict.NEXT_CHANNEL, "opted_out"),
        ({"wanted_groups": {"delivery": False}}, Verdict.NEXT_CHANNEL, "not_wanted"),
        ({"opted_out_by": "bounce"}, Verdict.NEXT_CHANNEL, "undeliverable"),
        ({"has_template": False}, Verdict.NEXT_CHANNEL, "no_template"),
        ({"not_after": NOON - HOUR, "send_at": NOON - 2 * HOUR}, Verdict.SKIP, "expired"),
        ({"of_contact": 6}, Verdict.SKIP, "cap"),
        ({"of_order": 25}, Verdict.SKIP, "cap"),
    ],
)
def test_each_rule_says_its_name(changes: dict[str, Any], verdict: Verdict, reason: str) -> None:
    ruling = ruling_of(facts(**changes))
    assert (ruling.verdict, ruling.reason) == (verdict, reason)


def test_the_first_rule_that_refuses_decides() -> None:
    everything: dict[str, Any] = {
        "is_erased": True,
        "is_restored_copy": True,
        "has_account": False,
        "has_contact": False,
        "opted_out_by": "word",
        "wanted_groups": {"delivery": False},
        "has_template": False,
        "of_contact": 100,
    }
    order = ["erased", "restored_copy", "no_channel", "no_number", "opted_out", "not_wanted"]
    reasons = []
    for name in list(everything):
        reasons.append(ruling_of(facts(**everything)).reason)
        del everything[name]
    assert reasons == [*order, "no_template", "cap"]


def test_in_the_night_a_message_waits_for_the_morning() -> None:
    ruling = ruling_of(facts(NIGHT, not_after=MORNING))
    assert (ruling.verdict, ruling.reason) == (Verdict.LATER, "quiet_hours")
    assert ruling.send_at == MORNING


def test_a_message_that_would_be_late_in_the_morning_is_not_sent() -> None:
    ruling = ruling_of(facts(NIGHT, not_after=MORNING - dt.timedelta(seconds=1)))
    assert (ruling.verdict, ruling.reason) == (Verdict.SKIP, "quiet_hours")
    assert ruling.params == {"from_minute": 1260, "until_minute": 480}


def test_codes_and_answers_ignore_the_night_and_so_does_mail_to_members() -> None:
    assert ruling_of(facts(NIGHT, heeds_quiet=False)).verdict == Verdict.OK
    assert ruling_of(facts(NIGHT, is_member=True, channel="email")).verdict == Verdict.OK
    assert ruling_of(facts(NIGHT, is_member=True)).verdict == Verdict.SKIP
    assert ruling_of(facts(NIGHT, channel="email")).verdict == Verdict.SKIP


def test_a_later_message_is_put_off_from_its_own_time_and_not_from_now() -> None:
    ruling = ruling_of(facts(NOON, send_at=NIGHT, not_after=MORNING + HOUR))
    assert (ruling.verdict, ruling.send_at) == (Verdict.LATER, MORNING)
    assert ruling_of(facts(NIGHT, send_at=MORNING, not_after=MORNING + HOUR)).reason == ""


@pytest.mark.parametrize(
    ("priority", "most"),
    [(Priority.LOW, 6), (Priority.NORMAL, 6), (Priority.NOW, 10), (Priority.CODE, 20)],
)
def test_urgent_messages_and_codes_have_some_more(priority: Priority, most: int) -> None:
    assert ruling_of(facts(priority=priority, of_contact=most - 1)).verdict == Verdict.OK
    refused = ruling_of(facts(priority=priority, of_contact=most))
    assert (refused.reason, refused.params) == ("cap", {"scope": "number", "most": most})


def test_a_code_is_not_stopped_by_the_cap_of_its_order() -> None:
    assert ruling_of(facts(priority=Priority.CODE, of_order=1000)).verdict == Verdict.OK


def test_a_cap_is_asked_when_the_message_is_due_and_not_days_before() -> None:
    tomorrow = NOON + 24 * HOUR
    ahead = facts(send_at=tomorrow, not_after=tomorrow + HOUR, of_contact=6)
    assert ruling_of(ahead).verdict == Verdict.OK


def test_a_preference_of_another_group_stops_nothing() -> None:
    assert ruling_of(facts(wanted_groups={"after": False})).verdict == Verdict.OK


def test_the_group_of_codes_and_warnings_cannot_be_turned_off_by_a_forged_preference() -> None:
    forged = facts(group="security", wanted_groups={"security": False})
    assert ruling_of(forged).verdict == Verdict.OK

"""A moment is told as the retailer set it: on or off, on its channels, after its hours."""

from __future__ import annotations

import pytest

from lastmile.core.tenancy import RetailerRef
from notifications.catalogue.moments import BY_KEY, MOMENTS
from notifications.models import MomentSetting
from notifications.selectors.moments import moment_in_use, moment_state, moment_states
from tests.notifications.making import set_policy

HOUR_S = 3600


def test_without_settings_the_catalogue_decides(retailer: RetailerRef) -> None:
    states = moment_states()
    assert [state.moment.key for state in states] == [moment.key for moment in MOMENTS]
    assert all(state.is_on and state.version == 0 for state in states)
    assert moment_in_use(BY_KEY["delivered"]) == BY_KEY["delivered"]


def test_a_moment_that_is_off_is_not_told(retailer: RetailerRef) -> None:
    MomentSetting.objects.create(moment="delivered", is_on=False)
    assert moment_in_use(BY_KEY["delivered"]) is None
    assert moment_in_use(BY_KEY["failed"]) is not None


def test_the_retailer_s_channels_are_tried_in_its_order(retailer: RetailerRef) -> None:
    MomentSetting.objects.create(moment="delivered", channels=["email", "sms"])
    moment = moment_in_use(BY_KEY["delivered"])
    assert moment is not None
    assert moment.channels == ("email", "sms")


@pytest.mark.parametrize(
    ("setting", "key"), [("remind_after_h", "choose_reminder"), ("rating_after_h", "rating")]
)
def test_the_hours_of_the_settings_are_the_lead_time(
    retailer: RetailerRef, setting: str, key: str
) -> None:
    set_policy(**{setting: 60})
    timing = moment_state(key).moment.timing
    assert timing.lead_s == 60 * HOUR_S
    assert timing.not_after_s >= timing.lead_s + 24 * HOUR_S, "late does not mean never"


def test_invitations_can_be_switched_off_together(retailer: RetailerRef) -> None:
    set_policy(invite_to_choose=False)
    off = {state.moment.key for state in moment_states() if not state.is_on}
    assert off == {"choose_invitation", "choose_reminder"}


def test_a_code_is_always_sent(retailer: RetailerRef) -> None:
    fixed = {state.moment.key for state in moment_states() if not state.may_be_off}
    assert fixed == {"step_up_code"}

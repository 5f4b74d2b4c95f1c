"""Reads the moments as the retailer set them: on or off, their channels and their lead times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from notifications.catalogue.kinds import Moment, Priority
from notifications.catalogue.moments import BY_KEY, MOMENTS
from notifications.models import MomentSetting
from notifications.policy import MessagePolicy
from tenants.people.selectors import policy

_HOUR_S: Final = 3600
_INVITATIONS: Final = frozenset({"choose_invitation", "choose_reminder"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentState:
    """A moment with the retailer's settings. ``version`` is 0 while nothing was set."""

    moment: Moment
    is_on: bool
    version: int

    @property
    def may_be_off(self) -> bool:
        """True if the retailer may switch the moment off: a code must always be sent."""
        return self.moment.priority != Priority.CODE


def moment_state(key: str) -> MomentState:
    """Return a moment as it is in use now. Raises KeyError for an unknown key."""
    row = MomentSetting.objects.filter(moment=key).first()
    return _state(BY_KEY[key], row)


def moment_states() -> list[MomentState]:
    """Return all moments as they are in use now, in the order of the catalogue."""
    rows = {row.moment: row for row in MomentSetting.objects.all()}
    return [_state(moment, rows.get(moment.key)) for moment in MOMENTS]


def moment_in_use(moment: Moment) -> Moment | None:
    """Return a moment with the retailer's channels and lead time; None if it is off."""
    state = moment_state(moment.key)
    return state.moment if state.is_on else None


def moments_in_use() -> dict[str, Moment]:
    """Return the moments that are on, by key, with the retailer's channels and lead times."""
    return {state.moment.key: state.moment for state in moment_states() if state.is_on}


def _state(moment: Moment, row: MomentSetting | None) -> MomentState:
    settings = policy(MessagePolicy)
    is_on = row is None or row.is_on
    if moment.key in _INVITATIONS and not settings.invite_to_choose:
        is_on = False
    if row is not None and row.channels is not None:
        moment = replace(moment, channels=tuple(row.channels))
    hours = {"choose_reminder": settings.remind_after_h, "rating": settings.rating_after_h}
    if moment.key in hours:
        lead_s = hours[moment.key] * _HOUR_S
        moment = replace(
            moment,
            timing=replace(
                moment.timing,
                lead_s=lead_s,
                not_after_s=max(moment.timing.not_after_s, lead_s + 24 * _HOUR_S),
            ),
        )
    return MomentState(moment=moment, is_on=is_on, version=row.version if row else 0)

"""The section of the policy about messages: quiet hours, caps, budgets and reminders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from lastmile.core.errors import Problems
from tenants.sections import Label, setting

LAST_MINUTE: Final = 1439
LONGEST_NIGHT: Final = 16 * 60  # minutes; with a longer night, day-time messages would be lost


@dataclass(frozen=True, slots=True)
class MessagePolicy:
    """The settings of a retailer for messages. Templates, moments and accounts have own tables."""

    title: ClassVar[Label] = _("Messages")
    quiet_from_minute: int = setting(
        1260,
        _("Quiet hours begin, minute of the day"),
        help=_("1260 is 21:00. Nobody is written to in the quiet hours, except with a code."),
        least=0,
        most=LAST_MINUTE,
    )
    quiet_until_minute: int = setting(
        480,
        _("Quiet hours end, minute of the day"),
        help=_("480 is 8:00. With the same minute as the beginning there are no quiet hours."),
        least=0,
        most=LAST_MINUTE,
    )
    per_number_day: int = setting(
        6,
        _("Messages to one number in a day"),
        help=_("Urgent messages, such as “on its way”, may be four more."),
        least=1,
        most=50,
    )
    per_order: int = setting(25, _("Messages about one order"), least=1, most=200)
    segments_day: int = setting(
        2000,
        _("Text message segments in a day"),
        help=_("A long text has several segments. You are told at 50, 80 and 100 per cent."),
        least=0,
        most=10_000_000,
    )
    foreign_segments_day: int = setting(
        20,
        _("Segments in a day to each country without a hub of yours"),
        help=_("It stops strangers who make you send expensive messages abroad."),
        least=0,
        most=1_000_000,
    )
    invite_to_choose: bool = setting(True, _("Invite shoppers to choose a time"))
    remind_after_h: int = setting(
        24, _("Hours after which shoppers are reminded to choose"), least=1, most=168
    )
    near_stops: int = setting(
        2,
        _("Stops before the shopper's stop at which “Almost there” is sent"),
        help=_("It is sent once, and not soon after another message on the way."),
        least=0,
        most=10,
    )
    near_minutes: int = setting(
        20, _("Minutes before the arrival at which it is sent at the latest"), least=5, most=120
    )
    rating_after_h: int = setting(
        2, _("Hours after which shoppers are asked for a rating"), least=0, most=72
    )
    code_by_email: bool = setting(
        True,
        _("Send codes by e-mail when no text message can be sent"),
        help=_("A code confirms another address or another person."),
    )

    def check(self, problems: Problems) -> None:
        """Refuse a night that is so long that messages of the day would be lost."""
        night = (self.quiet_until_minute - self.quiet_from_minute) % (LAST_MINUTE + 1)
        if night > LONGEST_NIGHT:
            problems.add(
                "/quiet_until_minute",
                _now("Quiet hours last at most 16 hours. Choose an earlier end."),
            )

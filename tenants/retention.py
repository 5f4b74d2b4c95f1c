"""The section of the policy that says how long data about people is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from tenants.sections import Label, setting


@dataclass(frozen=True, slots=True)
class Retention:
    """Days after which ``forget`` deletes data. The defaults are usual in Europe."""

    title: ClassVar[Label] = _("Data retention")
    refused_rows_days: int = setting(
        90,
        _("Refused import rows, days"),
        help=_("After this time their contents are deleted. Counts and reasons are kept."),
        least=1,
        most=400,
    )
    sessions_days: int = setting(
        30,
        _("Addresses in delivery sessions, days"),
        help=_("After this time the address is removed. The offers that were shown are kept."),
        least=1,
        most=400,
    )
    message_text_days: int = setting(
        90,
        _("Texts of messages, days"),
        help=_("After this time the words of messages and replies are deleted. The results stay."),
        least=7,
        most=400,
    )
    message_days: int = setting(
        400,
        _("Messages, days"),
        help=_("After this time messages are deleted. Who opted out stays known."),
        least=30,
        most=1830,
    )
    audit_days: int = setting(
        731,
        _("Audit log, days"),
        help=_("After this time entries are deleted."),
        least=180,
        most=1830,
    )

"""The audit log's words for lockers."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from tenants.audit_words import AuditWords, Sentence


def words() -> AuditWords:
    """Return the words of the audit log for lockers."""
    return AuditWords(
        sentences={
            "locker.token": Sentence(gettext_lazy("%(who)s made a token for a cabinet of lockers")),
            "locker.open": Sentence(gettext_lazy("%(who)s opened a compartment remotely")),
            "locker.block": Sentence(gettext_lazy("%(who)s blocked a compartment")),
            "locker.unblock": Sentence(gettext_lazy("%(who)s unblocked a compartment")),
            "locker.reboot": Sentence(gettext_lazy("%(who)s restarted a cabinet of lockers")),
        }
    )

"""The audit log's words for drivers' phones and incidents."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from tenants.audit_words import AuditWords, Sentence


def words() -> AuditWords:
    """Return the words of the audit log for drivers' phones and incidents."""
    return AuditWords(
        sentences={
            "driver.login_link": Sentence(
                gettext_lazy("%(who)s made a link to log in the phone of %(what)s")
            ),
            "driver.tracker": Sentence(
                gettext_lazy("%(who)s made an address for a tracker of %(what)s")
            ),
            "device.revoke": Sentence(gettext_lazy("%(who)s ended the log-in of a phone")),
            "incident.settle": Sentence(gettext_lazy("%(who)s settled an incident")),
        }
    )

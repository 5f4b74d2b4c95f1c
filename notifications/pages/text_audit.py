"""The audit log's words for the texts and the settings of moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.catalogue.moments import BY_KEY
from notifications.models import MessageTemplate
from notifications.pages.text_words import LANGUAGE_NAMES
from notifications.selectors.words import channel_name, moment_name
from tenants.audit_words import AuditWords, Field, Names, Sentence

SENTENCES: Mapping[str, Sentence] = {
    "message_template.changed": Sentence(
        gettext_lazy("%(who)s changed the text “%(what)s”"), tells=("version",)
    ),
    "message_template.restored": Sentence(
        gettext_lazy("%(who)s went back to the default of the text “%(what)s”"),
        tells=("version",),
    ),
    "email_layout.changed": Sentence(
        gettext_lazy("%(who)s changed the layout of e-mails"), tells=("version",)
    ),
    "email_layout.restored": Sentence(
        gettext_lazy("%(who)s went back to the default layout of e-mails"), tells=("version",)
    ),
    "moment.changed": Sentence(gettext_lazy("%(who)s changed the messages “%(what)s”")),
}


def _channels(stored: Any) -> str:
    names = [str(channel_name(channel)) for channel in stored]
    return ", ".join(names)


FIELDS: Mapping[str, Mapping[str, Field]] = {
    "message_template": {"version": Field(gettext_lazy("Version"))},
    "email_layout": {"version": Field(gettext_lazy("Version"))},
    "moment": {
        "is_on": Field(gettext_lazy("Send these messages")),
        "channels": Field(gettext_lazy("Channels"), _channels),
    },
}


def _names(ids: Iterable[str]) -> Names:
    wanted = list(ids)
    names = {key: str(moment_name(key)) for key in wanted if key in BY_KEY}
    for row in MessageTemplate.objects.filter(public_id__in=wanted):
        names[row.public_id] = _("%(moment)s, %(language)s, %(channel)s") % {
            "moment": moment_name(row.moment),
            "language": LANGUAGE_NAMES[row.language],
            "channel": channel_name(row.channel),
        }
    return names


def words() -> AuditWords:
    """Return the audit log's words for texts and moments."""
    return AuditWords(sentences=SENTENCES, fields=FIELDS, names=_names)

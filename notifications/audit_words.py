"""The audit log's words for channel accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.models import ChannelAccount
from notifications.selectors import account_words
from tenants.audit_words import AuditWords, Field, Names, Sentence

SENTENCES: Mapping[str, Sentence] = {
    "channel.set": Sentence(gettext_lazy("%(who)s set up the channel %(what)s")),
    "channel.on": Sentence(gettext_lazy("%(who)s switched on the channel %(what)s")),
    "channel.off": Sentence(gettext_lazy("%(who)s switched off the channel %(what)s")),
    "channel.resumed": Sentence(gettext_lazy("%(who)s let the channel %(what)s send again")),
}


def _provider(key: str) -> str:
    return str(account_words.PROVIDERS.get(key, key))


def _changed(_value: object) -> str:
    return _("changed")


FIELDS: Mapping[str, Mapping[str, Field]] = {
    "channel": {
        **{name: Field(label) for name, (label, _hint) in account_words.FIELDS.items()},
        "provider": Field(gettext_lazy("Provider"), _provider),
        "per_s": Field(account_words.RATE_NAME),
        "credentials": Field(gettext_lazy("Credentials"), _changed),
    }
}


def _names(ids: Iterable[str]) -> Names:
    rows = ChannelAccount.objects.filter(public_id__in=list(ids))
    return {row.public_id: str(account_words.CHANNELS[row.channel][0]) for row in rows}


def words() -> AuditWords:
    """Return the audit log's words for channel accounts."""
    return AuditWords(sentences=SENTENCES, fields=FIELDS, names=_names)

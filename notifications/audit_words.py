"""The audit log's words for channel accounts, for what is sent by hand, and for opt-outs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications.catalogue.kinds import ContactKind
from notifications.models import ChannelAccount, Contact, Message
from notifications.selectors import account_words
from notifications.selectors.words import channel_name, moment_name
from tenants.audit_words import AuditWords, Field, Names, Sentence
from tenants.sections import Label

SENTENCES: Mapping[str, Sentence] = {
    "channel.set": Sentence(gettext_lazy("%(who)s set up the channel %(what)s")),
    "channel.on": Sentence(gettext_lazy("%(who)s switched on the channel %(what)s")),
    "channel.off": Sentence(gettext_lazy("%(who)s switched off the channel %(what)s")),
    "channel.resumed": Sentence(gettext_lazy("%(who)s let the channel %(what)s send again")),
    "message.sent": Sentence(
        gettext_lazy("%(who)s sent the message “%(what)s” by hand"), tells=("moment",), adds=True
    ),
    "message.written": Sentence(
        gettext_lazy("%(who)s wrote to a shopper in their own words"), tells=("moment",), adds=True
    ),
    "message.tested": Sentence(
        gettext_lazy("%(who)s sent a text as a test"), tells=("moment",), adds=True
    ),
    "message.repeated": Sentence(
        gettext_lazy("%(who)s sent the message “%(what)s” again"), tells=("moment",), adds=True
    ),
    "thread.answered": Sentence(
        gettext_lazy("%(who)s answered a shopper"), tells=("moment",), adds=True
    ),
    "contact.opted_out": Sentence(gettext_lazy("%(who)s stopped messages to %(what)s"), adds=True),
    "contact.opted_in": Sentence(
        gettext_lazy("%(who)s allowed messages to %(what)s again"), adds=True
    ),
}


def _provider(key: str) -> str:
    return str(account_words.PROVIDERS.get(key, key))


def _changed(_value: object) -> str:
    return _("changed")


def _channel(key: str) -> str:
    return str(channel_name(key))


_SENT: Mapping[str, Field] = {
    "order": Field(gettext_lazy("Order")),
    "channel": Field(gettext_lazy("Channel"), _channel),
}
_KINDS: Mapping[str, Label] = {
    ContactKind.PHONE: gettext_lazy("a phone number"),
    ContactKind.EMAIL: gettext_lazy("an e-mail address"),
    ContactKind.PUSH: gettext_lazy("a browser"),
}

FIELDS: Mapping[str, Mapping[str, Field]] = {
    "channel": {
        **{name: Field(label) for name, (label, _hint) in account_words.FIELDS.items()},
        "provider": Field(gettext_lazy("Provider"), _provider),
        "per_s": Field(account_words.RATE_NAME),
        "credentials": Field(gettext_lazy("Credentials"), _changed),
    },
    "message": _SENT,
    "thread": _SENT,
    "contact": _SENT,
}


def _names(ids: Iterable[str]) -> Names:
    """Return the names of accounts, messages and contacts. Of a contact only its kind is named."""
    wanted = list(ids)
    accounts = ChannelAccount.objects.filter(public_id__in=wanted)
    sent = Message.objects.filter(public_id__in=wanted).values_list("public_id", "moment")
    contacts = Contact.objects.filter(public_id__in=wanted).values_list("public_id", "kind")
    return {
        **{row.public_id: str(account_words.CHANNELS[row.channel][0]) for row in accounts},
        **{public_id: str(moment_name(moment)) for public_id, moment in sent},
        **{public_id: str(_KINDS[kind]) for public_id, kind in contacts},
    }


def words() -> AuditWords:
    """Return the audit log's words for channel accounts."""
    return AuditWords(sentences=SENTENCES, fields=FIELDS, names=_names)

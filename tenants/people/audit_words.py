"""The audit log's words for members, API keys, settings and retailers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lastmile.core import formatting
from lastmile.core.templatetags.look import when
from tenants.audit_words import AuditWords, Field, Names, Sentence
from tenants.models import Retailer
from tenants.people.forms import KEY_ROLE_NAMES, ROLE_NAMES
from tenants.people.models import ApiKey, Member
from tenants.sections import Setting, sections

SENTENCES: Mapping[str, Sentence] = {
    "member.add": Sentence(gettext_lazy("%(who)s added the member %(what)s"), adds=True),
    "member.change": Sentence(gettext_lazy("%(who)s changed the member %(what)s")),
    "member.change_self": Sentence(gettext_lazy("%(who)s changed their own profile")),
    "member.log_out_everywhere": Sentence(
        gettext_lazy("%(who)s ended all sessions of %(what)s"),
        own=gettext_lazy("%(who)s ended all of their own sessions"),
    ),
    "member.offer_password_link": Sentence(
        gettext_lazy("%(who)s created a link for %(what)s to set a password"),
        own=gettext_lazy("%(who)s created a link to set their own password"),
    ),
    "member.set_password": Sentence(
        gettext_lazy("%(who)s set the password of %(what)s with a link"),
        own=gettext_lazy("%(who)s set their own password with a link"),
    ),
    "member.change_password": Sentence(gettext_lazy("%(who)s changed their own password")),
    "key.create": Sentence(gettext_lazy("%(who)s created the API key %(what)s"), adds=True),
    "key.rotate": Sentence(gettext_lazy("%(who)s rotated the API key %(what)s")),
    "key.revoke": Sentence(
        gettext_lazy("%(who)s revoked the API key %(what)s"), tells=("revoked_at",)
    ),
    "policy.set": Sentence(gettext_lazy("%(who)s changed the settings")),
    "retailer.opened": Sentence(
        gettext_lazy("%(who)s opened the retailer %(what)s"), tells=("status",)
    ),
    "retailer.given_up": Sentence(
        gettext_lazy("%(who)s cancelled the opening of the retailer %(what)s"), tells=("status",)
    ),
    "retailer.suspended": Sentence(
        gettext_lazy("%(who)s suspended the retailer %(what)s"), tells=("status",)
    ),
    "retailer.resumed": Sentence(
        gettext_lazy("%(who)s resumed the retailer %(what)s"), tells=("status",)
    ),
    "retailer.closed": Sentence(
        gettext_lazy("%(who)s closed the retailer %(what)s"), tells=("status",)
    ),
    "retailer.clock_set": Sentence(gettext_lazy("%(who)s set the clock of %(what)s")),
}


def _instant(stored: str) -> str:
    return when(dt.datetime.fromisoformat(stored), "both")


def _language(code: str) -> str:
    return dict(settings.LANGUAGES).get(code, code)


def _role(code: str) -> str:
    return str(ROLE_NAMES.get(code, code))  # type: ignore[call-overload]


def _key_role(code: str) -> str:
    return str(KEY_ROLE_NAMES.get(code, code))  # type: ignore[call-overload]


def _units(code: str) -> str:
    return _("Kilometres, kilograms") if code == "metric" else _("Miles, pounds")


def _clock(stored: str) -> str:
    """Return the text of a sandbox's clock, stored as ``real`` or as ``<instant> x<rate>``."""
    instant, _space, rate = stored.partition(" x")
    if not rate:
        return _("the real time")
    utc = dt.datetime.fromisoformat(instant).astimezone(dt.UTC).replace(tzinfo=None)
    return _("%(time)s UTC, %(rate)s seconds per second") % {
        "time": f"{formatting.date(utc)}, {formatting.time(utc)}",
        "rate": formatting.number(float(rate), 3, trim=True),
    }


_HUBS = Field(gettext_lazy("Hubs"), empty=gettext_lazy("All hubs"))
_NAME = Field(gettext_lazy("Name"))
MEMBER_FIELDS: Mapping[str, Field] = {
    "name": _NAME,
    "role": Field(gettext_lazy("Role"), _role),
    "hubs": _HUBS,
    "language": Field(
        gettext_lazy("Language"), _language, empty=gettext_lazy("Same as the browser")
    ),
    "active": Field(gettext_lazy("Can sign in")),
}
KEY_FIELDS: Mapping[str, Field] = {
    "name": _NAME,
    "role": Field(gettext_lazy("Role"), _key_role),
    "hubs": _HUBS,
    "ref": Field(gettext_lazy("On behalf of")),
    "origins": Field(gettext_lazy("Allowed origins")),
    "expires_at": Field(gettext_lazy("Expires"), _instant),
    "revoked_at": Field(gettext_lazy("Revoked"), _instant),
}
POLICY_FIELDS: Mapping[str, Field] = {
    "name": _NAME,
    "zone": Field(gettext_lazy("Time zone")),
    "currency": Field(gettext_lazy("Currency")),
    "language": Field(gettext_lazy("Language"), _language),
    "units": Field(gettext_lazy("Units"), _units),
    "brand.sender": Field(gettext_lazy("Name for shoppers")),
    "brand.hue": Field(gettext_lazy("Accent colour")),
    "brand.chroma": Field(gettext_lazy("Vividness")),
    "brand.corner": Field(gettext_lazy("Corners")),
    "brand.logo": Field(gettext_lazy("Logo")),
}


def _setting(setting: Setting) -> Field:
    labels: dict[Any, Any] = dict(setting.choices)
    if not labels:
        return Field(setting.label)
    return Field(setting.label, lambda value: str(labels.get(value, value)))


def _section_fields() -> dict[str, Field]:
    return {
        f"{section.name}.{setting.name}": _setting(setting)
        for section in sections().values()
        for setting in section.settings
    }


def names(ids: Iterable[str]) -> Names:
    """Return the names of members, API keys and retailers: at most one query each."""
    ids_by_prefix: dict[str, set[str]] = {}
    for public_id in ids:
        ids_by_prefix.setdefault(public_id.partition("_")[0], set()).add(public_id)
    models = {"mbr": Member, "key": ApiKey, "ret": Retailer}
    known_names: dict[str, str] = {}
    for prefix, model in models.items():
        if prefix in ids_by_prefix:
            rows = model.objects.filter(public_id__in=ids_by_prefix[prefix])  # type: ignore[attr-defined]
            known_names |= dict(rows.values_list("public_id", "name"))
    return known_names


def words() -> AuditWords:
    """Return the words of the audit log for this app."""
    return AuditWords(
        sentences=SENTENCES,
        fields={
            "member": MEMBER_FIELDS,
            "key": KEY_FIELDS,
            "policy": {**POLICY_FIELDS, **_section_fields()},
            "retailer": {"clock": Field(gettext_lazy("Clock"), _clock)},
        },
        names=names,
    )

"""Set up, test and switch on channel accounts; pause and resume them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.db.models.functions import Greatest, Now
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from lastmile.core.clock import now
from lastmile.core.errors import Invalid, Problems, Stale
from lastmile.core.events import Lane, record
from notifications.channels.base import AccountCheck
from notifications.channels.registry import channel_of
from notifications.events import CHANNEL_PAUSED, CHANNEL_RESUMED, ChannelPausedFacts
from notifications.models import AccountState, ChannelAccount
from notifications.selectors.accounts import fingerprint
from notifications.services.account_shapes import AccountShape, shapes_of
from notifications.services.pointing import wake
from tenants.people.services import audit

FASTEST_PER_S: Final = Decimal(1000)
LONGEST_VALUE: Final = 200
_SENT: Final = ("kind", "source", "settings", "secrets", "per_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDraft:
    """The values of an account as a person wrote them. An empty secret keeps the stored one."""

    shape: str
    values: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    per_s: Decimal = Decimal(10)


@transaction.atomic
def set_account(*, channel: str, draft: AccountDraft, version: int | None) -> ChannelAccount:
    """Store the account of a channel; a new one is off until a person switches it on.

    Another provider switches it off too. Other credentials of the same provider leave it on, and
    end a pause that the old ones caused.

    Locks: the account. Records: channel.set in the audit log, without secrets; channel.resumed if
    it was paused. Raises: Invalid, Stale.
    """
    row = _locked_or_new(channel, version)
    shape = _shape(channel, draft.shape)
    same = row.pk is not None and row.kind == shape.kind and row.source == shape.source
    values = _cleaned(draft.values, shape.fields)
    secrets = _cleaned(draft.secrets, shape.secrets)
    if same:
        stored = {name: row.secrets.get(name, "") for name in shape.secrets}
        _drop_unused(values, stored)
        secrets = stored | {name: value for name, value in secrets.items() if value}
    for name, path in shape.generated.items():
        secrets[name] = (row.secrets.get(name) if same else "") or str(import_string(path)())
    _refuse_invalid(shape, values, secrets, draft.per_s)
    new: dict[str, Any] = {
        "kind": shape.kind.value,
        "source": shape.source.value,
        "settings": {name: value for name, value in values.items() if value},
        "secrets": {name: value for name, value in secrets.items() if value},
        "per_s": draft.per_s,
    }
    before = {name: getattr(row, name) for name in _SENT}
    if row.pk is not None and new == before:
        return row
    for name, value in new.items():
        setattr(row, name, value)
    if not same:
        row.is_on, row.on_at_machine = False, ""
    if row.pk is not None:
        row.version += 1
        _end_pause(row)
    row.check_code, row.checked_at = "", None
    _save(row)
    audit("channel.set", row.public_id, _changes(before, new, is_new=row.version == 1))
    if row.is_on:
        wake()
    return row


@transaction.atomic
def switch_on(*, account: ChannelAccount, version: int | None) -> ChannelAccount:
    """Let a channel send from this installation, and end a pause.

    Locks: the account. Records: channel.on in the audit log; channel.resumed if it was paused.
    Raises: Invalid if its values are not complete, Stale.
    """
    row = _locked(account, version)
    shape = _shape(row.channel, f"{row.kind}-{row.source}")
    _refuse_invalid(shape, row.settings, row.secrets, row.per_s)
    machine = fingerprint()
    if row.is_on and row.on_at_machine == machine and row.state == AccountState.OK:
        return row
    row.is_on, row.on_at_machine = True, machine
    row.version += 1
    _end_pause(row)
    row.save()
    audit("channel.on", row.public_id)
    wake()
    return row


@transaction.atomic
def switch_off(*, account: ChannelAccount, version: int | None) -> ChannelAccount:
    """Stop a channel. Messages that wait for it are not sent by it.

    Locks: the account. Records: channel.off in the audit log. Raises: Stale.
    """
    row = _locked(account, version)
    if row.is_on:
        row.is_on, row.on_at_machine = False, ""
        row.version += 1
        row.save()
        audit("channel.off", row.public_id)
    return row


@transaction.atomic
def pause(*, account: ChannelAccount, code: str, for_s: int | None = None) -> None:
    """Stop sending by an account for some seconds, or without ``for_s`` until a person acts.

    A longer pause wins over a shorter one. Its messages wait and lose nothing.

    Locks: the account. Records: channel.paused unless it was paused. Raises: nothing.
    """
    row = ChannelAccount.objects.select_for_update().get(pk=account.pk)
    was_paused = row.state == AccountState.PAUSED
    if was_paused and row.paused_until is None:
        return
    until = None if for_s is None else _after(for_s)
    if was_paused and until is not None:
        until = Greatest(F("paused_until"), until)
    ChannelAccount.objects.filter(pk=row.pk).update(
        state=AccountState.PAUSED, paused_code=code[:32], paused_until=until
    )
    if not was_paused:
        record(
            CHANNEL_PAUSED,
            ChannelPausedFacts(channel=row.channel, cause=_cause(code)),
            subject=row.public_id,
            lane=Lane.PERSON,
        )


@transaction.atomic
def resume(*, account: ChannelAccount, by_person: bool = True) -> None:
    """End the pause of an account: a person acted, or the provider accepted a message again.

    Locks: the account. Records: channel.resumed if it was paused, and the audit log for a person.
    Raises: nothing.
    """
    row = ChannelAccount.objects.select_for_update().get(pk=account.pk)
    if row.state != AccountState.PAUSED:
        return
    _end_pause(row)
    row.save(update_fields=["state", "paused_until", "paused_code"])
    if by_person:
        audit("channel.resumed", row.public_id)
    wake()


def check_account(*, account: ChannelAccount) -> AccountCheck:
    """Ask the provider whether the account works, and store the code and the time of its answer.

    Call it outside a transaction: it waits for the provider. Locks: nothing. Records: nothing.
    Raises: nothing.
    """
    answer = channel_of(account, for_test=True).check()
    ChannelAccount.objects.filter(pk=account.pk, version=account.version).update(
        checked_at=now(), check_code="ok" if answer.ok else (answer.code or "error")[:32]
    )
    return answer


def _locked(account: ChannelAccount, version: int | None) -> ChannelAccount:
    row = ChannelAccount.objects.select_for_update().get(pk=account.pk)
    if version is not None and row.version != version:
        raise _stale(row)
    return row


def _locked_or_new(channel: str, version: int | None) -> ChannelAccount:
    row = ChannelAccount.objects.select_for_update().filter(channel=channel).first()
    if row is None:
        return ChannelAccount(channel=channel)
    if version is not None and row.version != version:
        raise _stale(row)
    return row


def _save(row: ChannelAccount) -> None:
    """Save an account. Raises Stale if somebody else has just made the account of the channel."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        raise _stale(row) from error


def _stale(row: ChannelAccount) -> Stale:
    return Stale(
        _("Someone else changed this meanwhile. Reload it and make your change again."),
        data={"version": row.version},
    )


def _shape(channel: str, key: str) -> AccountShape:
    for shape in shapes_of(channel):
        if shape.key == key:
            return shape
    raise Invalid(_("This channel has no such provider here. Choose a provider on the page."))


def _cleaned(values: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: str(values.get(name, "")).replace("\x00", "").strip() for name in names}


def _drop_unused(values: Mapping[str, str], stored: dict[str, str]) -> None:
    """Forget the stored secret of an API key that is taken out of the form."""
    if "api_secret" in stored and not values.get("api_key"):
        stored["api_secret"] = ""


def _refuse_invalid(
    shape: AccountShape, values: Mapping[str, str], secrets: Mapping[str, str], per_s: Decimal
) -> None:
    problems = Problems()
    for name, value in {**values, **secrets}.items():
        if len(value) > LONGEST_VALUE:
            problems.add(f"/{name}", _("This is too long."))
    if not 0 < per_s <= FASTEST_PER_S:
        problems.add("/per_s", _("Write a rate above 0 and up to 1,000 messages a second."))
    shape.check({**values, **secrets}, problems)
    problems.raise_if_any(_("Some values are not right. Correct them and save again."))


def _end_pause(row: ChannelAccount) -> None:
    """End a pause in a locked row, which the caller saves."""
    if row.state == AccountState.PAUSED:
        facts = ChannelPausedFacts(channel=row.channel, cause=_cause(row.paused_code))
        record(CHANNEL_RESUMED, facts, subject=row.public_id, lane=Lane.PERSON)
    row.state, row.paused_until, row.paused_code = AccountState.OK.value, None, ""


def _after(for_s: int) -> Any:
    wait = Value(dt.timedelta(seconds=for_s), output_field=DurationField())
    return ExpressionWrapper(Now() + wait, output_field=ChannelAccount.paused_until.field)


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], *, is_new: bool
) -> dict[str, tuple[Any, Any]]:
    """Return what changed, for the audit log. Of credentials it says only that they changed."""
    was = {} if is_new else {**before["settings"], **_plain(before)}
    new = {**after["settings"], **_plain(after)}
    changes = {
        name: (was.get(name), new.get(name))
        for name in sorted({*was, *new})
        if was.get(name) != new.get(name)
    }
    if after["secrets"] and before["secrets"] != after["secrets"]:
        changes["credentials"] = (None, True)
    return changes


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "provider": f"{values['kind']}-{values['source']}",
        "per_s": format(Decimal(values["per_s"]).normalize(), "f"),
    }


def _cause(code: str) -> str:
    """Return the cause of a pause as a word for an event: ``provider_20003`` or ``account``."""
    word = re.sub(r"[^a-z0-9_.]", "_", code[:32].lower())
    return word if word[:1].isalpha() else f"provider_{word}"

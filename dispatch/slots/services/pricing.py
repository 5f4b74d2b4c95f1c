"""Prices of slots by the retailer's rules, and what a changed basket does to a price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch.slots.errors import HoldEnded, PriceChanged
from dispatch.slots.events import HOLD_REPRICED, HoldRepricedFacts
from dispatch.slots.models import Choice, Hold, Slot
from dispatch.slots.policy import SlotPolicy, slots_policy
from dispatch.slots.rules.prices import PriceQuote, PriceRules, price
from dispatch.slots.services.counting import lock_slots
from dispatch.slots.services.holding import lock_hold
from dispatch.slots.states import ChoiceState, HoldState
from lastmile.core import clock, formatting
from lastmile.core.events import record
from lastmile.core.tenancy import current_retailer


def quote(
    slot: Slot,
    *,
    value_minor: int | None,
    cost_minor: int | None,
    policy: SlotPolicy | None = None,
) -> PriceQuote:
    """Return the price of a slot for a basket and a marginal cost, with its parts."""
    own = policy or slots_policy()
    rules = PriceRules(
        free_from_minor=own.free_from_minor,
        share_percent=own.cost_share_percent,
        share_least_minor=own.share_least_minor,
        share_most_minor=own.share_most_minor,
    )
    return price(
        base_minor=slot.base_minor,
        surcharge_minor=slot.surcharge_minor,
        rules=rules,
        value_minor=value_minor,
        cost_minor=cost_minor,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Repriced:
    """The price before and after a change of the basket, and the reason as code and sentence."""

    old_minor: int | None
    new_minor: int
    currency: str
    code: str
    why: str
    parts: tuple[Any, ...] = ()

    @property
    def changed(self) -> bool:
        """Return True if the price is another one than before."""
        return self.old_minor != self.new_minor


def repriced(hold: Hold, value_minor: int | None, policy: SlotPolicy | None = None) -> Repriced:
    """Return what a basket of another value does to the price of a hold. Nothing is written."""
    own = policy or slots_policy()
    new = quote(hold.slot, value_minor=value_minor, cost_minor=hold.cost_minor, policy=own)
    code = _reason(hold.value_minor, value_minor, own.free_from_minor)
    return Repriced(
        old_minor=hold.price_minor,
        new_minor=new.price_minor,
        currency=current_retailer().currency,
        code=code if hold.price_minor != new.price_minor else "unchanged",
        why=_sentence(code, own) if hold.price_minor != new.price_minor else "",
        parts=tuple(new.parts_as_json()),
    )


@transaction.atomic
def reprice_hold(*, hold: Hold, value_minor: int | None) -> Repriced:
    """Give a hold, and its waiting choice, the price for a basket of another value.

    Locks: the slot, the hold. Records: hold.repriced if the price differs. Raises: HoldEnded if
    the hold ended or an order has it.
    """
    lock_slots([hold.slot_id])
    row = lock_hold(hold)
    at = clock.now()
    if row.state not in {HoldState.LIVE, HoldState.KEPT} or (row.expires_at or at) <= at:
        raise HoldEnded(_("The place is no longer kept. Choose a time window again."))
    change = repriced(row, value_minor)
    values: dict[str, Any] = {
        "price_minor": change.new_minor,
        "currency": change.currency,
        "value_minor": value_minor,
        "updated_at": at,
    }
    Choice.objects.filter(hold=row, state=ChoiceState.WAITING).update(**values)
    Hold.objects.filter(pk=row.pk).update(**values, price_parts=list(change.parts))
    if change.changed:
        facts = HoldRepricedFacts(
            slot=row.slot.public_id,
            caller=row.caller,
            order=row.order.public_id if row.order else None,
            old_price_minor=change.old_minor,
            new_price_minor=change.new_minor,
            currency=change.currency,
            reason=change.code,
        )
        record(HOLD_REPRICED, facts, subject=row.public_id)
    return change


def refuse_other_price(hold: Hold, price_minor: int | None, value_minor: int | None = None) -> None:
    """Raise PriceChanged if a confirmed price, or the price for a basket, is not that of a hold.

    ``price_minor`` is the confirmed price and ``value_minor`` the value of the basket now; None
    means not known, and is not compared.
    """
    if value_minor is not None and value_minor != hold.value_minor:
        change = repriced(hold, value_minor)
        if change.changed:
            raise _changed(change.old_minor, change.new_minor, change.currency, change)
    if price_minor is not None:
        refuse_price(price_minor, hold.price_minor, hold.currency)


def refuse_price(confirmed_minor: int, present_minor: int | None, currency: str) -> None:
    """Raise PriceChanged if a confirmed price is not the present one."""
    if present_minor is not None and confirmed_minor != present_minor:
        raise _changed(confirmed_minor, present_minor, currency, None)


def _changed(old: int | None, new: int, currency: str, change: Repriced | None) -> PriceChanged:
    text = _("The price changed from %(old)s to %(new)s. Show it and let the shopper confirm.") % {
        "old": formatting.money(old or 0, currency),
        "new": formatting.money(new, currency),
    }
    why = change.why if change else _("Another price was confirmed than the present one.")
    return PriceChanged(
        f"{text} {why}".strip(),
        data={
            "old_price_minor": old,
            "new_price_minor": new,
            "currency": currency,
            "reason": change.code if change else "outdated_price",
        },
    )


def _reason(old: int | None, new: int | None, free_from: int | None) -> str:
    """Return the code for the cause of another price."""
    if free_from is not None:
        was_free = old is not None and old >= free_from
        is_free = new is not None and new >= free_from
        if was_free != is_free:
            return "now_free" if is_free else "no_longer_free"
    return "rules_changed"


def _sentence(code: str, policy: SlotPolicy) -> str:
    if code == "rules_changed":
        return _("The rules for prices changed.")
    currency = current_retailer().currency
    amount = formatting.money(policy.free_from_minor, currency)
    if code == "now_free":
        return _("The basket reaches %(amount)s, so there is no base price.") % {"amount": amount}
    return _("The basket is below %(amount)s, so the base price is due.") % {"amount": amount}

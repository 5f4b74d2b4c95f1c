"""The effect of a change of a rule or of a slot, before it is made: which promises it touches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dispatch.fleet.models import Hub
from dispatch.slots.models import Blackout, Hold, Slot, SlotTemplate
from dispatch.slots.opening import (
    COPIED,
    HubRules,
    active_templates,
    difference,
    future_slots,
    is_served,
)
from dispatch.slots.states import TAKING, HoldState

#: Slots with holds that one preview names; the rest is counted.
MOST_NAMED = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class TouchedSlot:
    """A slot with holds that a change touches. Its promises are kept in any case.

    Parameters
    ----------
    change : str
        ``closes``: it takes no more orders. ``keeps``: it keeps its present capacity and prices.
    orders : tuple of str
        Public ids of the orders with a promise.
    numbers : tuple of str
        The retailer's own numbers of these orders; the public id of an order without a number.
    waiting : int
        Places that shoppers hold without a promise yet.
    """

    slot: Slot
    change: Literal["closes", "keeps"]
    orders: tuple[str, ...]
    numbers: tuple[str, ...]
    waiting: int

    @property
    def numbered(self) -> list[tuple[str, str]]:
        """The orders as (public id, number)."""
        return list(zip(self.orders, self.numbers, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """The numbers of slots that a change opens, changes and removes, and the touched slots."""

    opened: int = 0
    changed: int = 0
    removed: int = 0
    touched: tuple[TouchedSlot, ...] = ()
    more: int = 0  # touched slots beyond MOST_NAMED

    @property
    def keeps(self) -> bool:
        """True if some slot keeps its capacity and prices because it has orders or holds."""
        return any(slot.change == "keeps" for slot in self.touched)

    @property
    def promises(self) -> int:
        """The number of promises in the named slots."""
        return sum(len(slot.orders) for slot in self.touched)


def template_effect(
    template: SlotTemplate, before: Mapping[str, Any], *, removed: bool = False
) -> Effect:
    """Return the effect of saving an edited template that is not saved yet, or of removing it.

    ``before`` has the old values of the edited fields, as ``edit_template`` returns them. A
    template without a key is a new one.
    """
    effects = [_hub_effect(template.hub, template, before, removed=removed)]
    if "hub" in before:
        effects.append(_hub_effect(before["hub"], template, {}, removed=True))
    return _joined(effects)


def _hub_effect(
    hub: Hub, template: SlotTemplate, before: Mapping[str, Any], *, removed: bool
) -> Effect:
    templates = [row for row in active_templates(hub) if row.pk != template.pk]
    if template.active and not removed and is_served(hub, template.zone):
        templates.append(template)
    templates.sort(key=lambda row: row.pk or 2**62)  # as they will be sorted when it is stored
    stored = list(future_slots(hub))
    differs = difference(HubRules.read(hub), templates, stored)
    terms = [name for name in COPIED if name in before]
    own = [slot for slot in stored if slot.template_id == template.pk and template.pk is not None]
    rewritten = [
        slot
        for slot in own
        if slot.taken_orders == 0 and any(getattr(slot, name) == before[name] for name in terms)
    ]
    changed = {slot.pk for slot in rewritten} | {slot.pk for slot, _columns in differs.change}
    changed -= {slot.pk for slot in differs.remove}
    closing = [slot for slot, _reason in differs.close]
    keeps = [slot for slot in own if terms and slot.taken_orders > 0 and slot not in closing]
    return _effect(len(differs.create), len(changed), len(differs.remove), closing, keeps)


def blackout_effect(hubs: Iterable[Hub], blackout: Blackout, *, removed: bool = False) -> Effect:
    """Return the effect of saving a blackout that is not saved yet, or of removing it."""
    effects = []
    for hub in hubs:
        rules = HubRules.read(hub, without=blackout)
        if not removed:
            rules = HubRules(
                rules.hub, rules.country, rules.subdivision, [*rules.blackouts, blackout]
            )
        effects.append(_rules_effect(rules))
    return _joined(effects)


def calendar_effect(hub: Hub, country: str, subdivision: str) -> Effect:
    """Return the effect of another holiday calendar of a hub."""
    rules = HubRules.read(hub)
    return _rules_effect(HubRules(hub, country, subdivision, rules.blackouts))


def _rules_effect(rules: HubRules) -> Effect:
    stored = list(future_slots(rules.hub))
    differs = difference(rules, active_templates(rules.hub), stored)
    closing = [slot for slot, _reason in differs.close]
    return _effect(len(differs.create), len(differs.change), len(differs.remove), closing, [])


def touched_by(slot: Slot) -> TouchedSlot:
    """Return the promises and holds of one slot, which none of its changes alters."""
    return _touched([slot], "closes")[0]


def _effect(
    opened: int, changed: int, removed: int, closing: Sequence[Slot], keeps: Sequence[Slot]
) -> Effect:
    named = sorted(closing, key=lambda slot: (slot.opens_at, slot.pk))[:MOST_NAMED]
    kept = sorted(keeps, key=lambda slot: (slot.opens_at, slot.pk))[: MOST_NAMED - len(named)]
    return Effect(
        opened=opened,
        changed=changed,
        removed=removed,
        touched=(*_touched(named, "closes"), *_touched(kept, "keeps")),
        more=len(closing) + len(keeps) - len(named) - len(kept),
    )


def _joined(effects: Sequence[Effect]) -> Effect:
    touched = tuple(slot for effect in effects for slot in effect.touched)
    return Effect(
        opened=sum(effect.opened for effect in effects),
        changed=sum(effect.changed for effect in effects),
        removed=sum(effect.removed for effect in effects),
        touched=touched[:MOST_NAMED],
        more=sum(effect.more for effect in effects) + max(0, len(touched) - MOST_NAMED),
    )


def _touched(slots: Sequence[Slot], change: Literal["closes", "keeps"]) -> list[TouchedSlot]:
    """Return the slots with their promises, with one query for all."""
    orders: dict[int, list[tuple[str, str]]] = {slot.pk: [] for slot in slots}
    waiting = dict.fromkeys(orders, 0)
    holds = Hold.objects.filter(slot__in=list(orders), state__in=sorted(TAKING)).order_by("pk")
    columns = ("slot_id", "state", "order__public_id", "order__external_id")
    for slot, state, order, number in holds.values_list(*columns):
        if state == HoldState.PROMISED and order:
            orders[slot].append((order, number or order))
        else:
            waiting[slot] += 1
    return [
        TouchedSlot(
            slot=slot,
            change=change,
            orders=tuple(order for order, _number in orders[slot.pk]),
            numbers=tuple(number for _order, number in orders[slot.pk]),
            waiting=waiting[slot.pk],
        )
        for slot in slots
    ]

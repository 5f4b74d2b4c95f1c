"""A partial draft and the order it speaks of: what the draft does not say stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from django.utils.translation import gettext as _

from dispatch.orders.checking import DEFAULT_SERVICE_S
from dispatch.orders.drafts import (
    LocalWindowDraft,
    OrderDraft,
    ParcelDraft,
    PlaceDraft,
    SentFields,
    ShopperDraft,
)
from dispatch.orders.models import Direction, HubChoice, Order, Parcel
from lastmile.core.errors import FieldProblem
from lastmile.core.units import spread

# A new street makes the rest of the old address wrong, but for the town it lies in.
_DOOR = ("text", "street", "house_number", "unit", "postcode")
_TOWN = ("city", "region", "country")
_OWN = ("direction", "service_s", "notes")
_NEVER_IN_A_FILE = ("value_minor", "price_minor", "currency", "handover")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The whole order that a partial draft makes of a known one.

    ``same_place``: nothing is said of the place, and the pin that is there stays.
    """

    draft: OrderDraft
    same_place: bool
    warnings: tuple[FieldProblem, ...]


def merge(draft: OrderDraft, sent: SentFields, row: Order) -> Merged:
    """Fill what a partial draft leaves out from the order as it is; ``parcels`` are prefetched."""
    given = sent.filled
    place, same_place = _place(draft.place, given, row)
    parcels = _parcels(draft.parcels, given, list(row.parcels.all()))
    whole = replace(
        draft,
        shopper=_shopper(draft.shopper, given, row),
        place=place,
        hub=draft.hub or _given_hub(row),
        skills=draft.skills if "skills" in given else tuple(row.skills),
        parcels=parcels,
        weight_g=None if given & {"weight_g", "parcel_ids"} else row.weight_g,
        volume_cm3=None if given & {"volume_cm3", "parcel_ids"} else row.volume_cm3,
        sent_fields=None,
    )
    kept = {name: getattr(row, name) for name in _OWN if name not in given}
    kept |= {name: getattr(row, name) for name in _NEVER_IN_A_FILE}
    if isinstance(draft.window, LocalWindowDraft) and draft.service_date is None:
        kept["service_date"] = row.service_date
    return Merged(
        draft=replace(whole, **kept), same_place=same_place, warnings=_kept_warning(sent, row)
    )


def _given_hub(row: Order) -> str:
    """The hub that a person or a file named; one that was chosen by the place is chosen again."""
    if row.hub is None or not row.hub.active or row.hub_choice != HubChoice.GIVEN:
        return ""
    return row.hub.public_id


def _shopper(draft: ShopperDraft, given: frozenset[str], row: Order) -> ShopperDraft:
    return ShopperDraft(
        **{
            f.name: getattr(draft if f.name in given else row.shopper, f.name)
            for f in fields(ShopperDraft)
        }
    )


def _place(draft: PlaceDraft, given: frozenset[str], row: Order) -> tuple[PlaceDraft, bool]:
    """The place that is meant, and whether it is the very one that the order has."""
    names = [name for name in (*_DOOR, *_TOWN) if name in given]
    moved = any(getattr(draft, name).strip() != getattr(row.place, name).strip() for name in names)
    stays = _TOWN if moved else (*_DOOR, *_TOWN)
    filled = {name: getattr(row.place, name) for name in stays if name not in given}
    place = replace(draft, **filled)
    same_place = not moved and "coordinates" not in given and row.place.lat is not None
    return place, same_place


def _parcels(
    drafts: Sequence[ParcelDraft], given: frozenset[str], before: Sequence[Parcel]
) -> tuple[ParcelDraft, ...]:
    """The parcels that are meant: named one by one, or those there were with new totals."""
    old = [_draft_of(parcel) for parcel in before]
    if "parcel_ids" in given:
        known = {parcel.external_id: parcel for parcel in old}
        named = [_same_parcel(p, known.get(p.external_id), given) for p in drafts]
        return _with_goods_of_the_nameless(named, old, given)
    count = len(drafts) if "parcel_count" in given else len(old)
    totals = {
        name: sum(getattr(p, name) for p in (drafts if name in given else old))
        for name in ("weight_g", "volume_cm3")
    }
    kept = old if count == len(old) else [ParcelDraft() for _n in range(count)]
    for name, total in totals.items():
        if sum(getattr(parcel, name) for parcel in kept) != total:
            shares = spread(total, [1] * count)
            kept = [_weighing(p, name, n) for p, n in zip(kept, shares, strict=True)]
    return tuple(kept)


def _with_goods_of_the_nameless(
    named: list[ParcelDraft], old: Sequence[ParcelDraft], given: frozenset[str]
) -> tuple[ParcelDraft, ...]:
    """Spread what parcels without a name had over those that get one now, where it is not said."""
    known = {parcel.external_id for parcel in old}
    new = [at for at, parcel in enumerate(named) if parcel.external_id not in known]
    for name in {"weight_g", "volume_cm3"} - given:
        total = sum(getattr(parcel, name) for parcel in old if parcel.external_id is None)
        for at, share in zip(new, spread(total, [1] * len(new)) if new else (), strict=True):
            named[at] = _weighing(named[at], name, share)
    return tuple(named)


def _same_parcel(
    draft: ParcelDraft, before: ParcelDraft | None, given: frozenset[str]
) -> ParcelDraft:
    if before is None:
        return draft
    return replace(
        before,
        weight_g=draft.weight_g if "weight_g" in given else before.weight_g,
        volume_cm3=draft.volume_cm3 if "volume_cm3" in given else before.volume_cm3,
    )


def _weighing(draft: ParcelDraft, name: str, share: int) -> ParcelDraft:
    return (
        replace(draft, weight_g=share) if name == "weight_g" else replace(draft, volume_cm3=share)
    )


def _draft_of(parcel: Parcel) -> ParcelDraft:
    return ParcelDraft(**{f.name: getattr(parcel, f.name) for f in fields(ParcelDraft)})


def _kept_warning(sent: SentFields, row: Order) -> tuple[FieldProblem, ...]:
    """One warning for all cells that are empty where the order has something."""
    there = {
        **{f.name: getattr(row.shopper, f.name) for f in fields(ShopperDraft)},
        **{name: getattr(row.place, name) for name in (*_DOOR, *_TOWN)},
        "coordinates": row.place.lat is not None,
        "service_date": row.service_date,
        "window": row.promise_id,
        "service_s": row.service_s != DEFAULT_SERVICE_S,
        "parcel_count": row.parcel_count > 1,
        "weight_g": row.weight_g,
        "volume_cm3": row.volume_cm3,
        "skills": row.skills,
        "hub": row.hub_choice == HubChoice.GIVEN,
        "direction": row.direction != Direction.OUTWARD,
        "notes": row.notes,
    }
    kept = sorted(name for name in sent.blank - sent.filled if there.get(name))
    if not kept:
        return ()
    words = _("Empty in the file and kept as before: %(fields)s. To empty it, change the order.")
    return (FieldProblem("", words % {"fields": ", ".join(kept)}, "kept"),)

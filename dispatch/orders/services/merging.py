"""Completes a partial draft from the existing order: fields that it does not name keep values."""

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

# If the draft changes the address, the door fields of the old address no longer fit. Only its town
# is kept.
_DOOR = ("text", "street", "house_number", "unit", "postcode")
_TOWN = ("city", "region", "country")
_OWN = ("direction", "service_s", "least_age", "signature", "notes")
_NEVER_IN_A_FILE = ("value_minor", "price_minor", "currency", "handover")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """A partial draft, completed from the existing order.

    ``same_place`` means that the address does not change and the order keeps its pin.
    """

    draft: OrderDraft
    same_place: bool
    warnings: tuple[FieldProblem, ...]


def merge(draft: OrderDraft, sent: SentFields, row: Order) -> Merged:
    """Complete a partial draft from the existing order, whose ``parcels`` must be prefetched."""
    filled = sent.filled
    place, same_place = _place(draft.place, filled, row)
    parcels = _parcels(draft.parcels, filled, list(row.parcels.all()))
    whole = replace(
        draft,
        shopper=_shopper(draft.shopper, filled, row),
        place=place,
        hub=draft.hub or _given_hub(row),
        skills=draft.skills if "skills" in filled else tuple(row.skills),
        parcels=parcels,
        weight_g=None if filled & {"weight_g", "parcel_ids"} else row.weight_g,
        volume_cm3=None if filled & {"volume_cm3", "parcel_ids"} else row.volume_cm3,
        sent_fields=None,
    )
    row_values = {name: getattr(row, name) for name in _OWN if name not in filled}
    row_values |= {name: getattr(row, name) for name in _NEVER_IN_A_FILE}
    if isinstance(draft.window, LocalWindowDraft) and draft.service_date is None:
        row_values["service_date"] = row.service_date
    return Merged(
        draft=replace(whole, **row_values), same_place=same_place, warnings=_kept_warning(sent, row)
    )


def _given_hub(row: Order) -> str:
    """Return the id of the order's hub if a person or a file named it and it is active, else "".

    A hub that was chosen by the place is chosen again.
    """
    if row.hub is None or not row.hub.active or row.hub_choice != HubChoice.GIVEN:
        return ""
    return row.hub.public_id


def _shopper(draft: ShopperDraft, filled: frozenset[str], row: Order) -> ShopperDraft:
    return ShopperDraft(
        **{
            f.name: getattr(draft if f.name in filled else row.shopper, f.name)
            for f in fields(ShopperDraft)
        }
    )


def _place(draft: PlaceDraft, filled: frozenset[str], row: Order) -> tuple[PlaceDraft, bool]:
    """Return the completed place, and True if the order keeps its present place and pin."""
    names = [name for name in (*_DOOR, *_TOWN) if name in filled]
    changed = any(getattr(draft, n).strip() != getattr(row.place, n).strip() for n in names)
    kept_names = _TOWN if changed else (*_DOOR, *_TOWN)
    old_values = {name: getattr(row.place, name) for name in kept_names if name not in filled}
    place = replace(draft, **old_values)
    same_place = not changed and "coordinates" not in filled and row.place.lat is not None
    return place, same_place


def _parcels(
    drafts: Sequence[ParcelDraft], filled: frozenset[str], before: Sequence[Parcel]
) -> tuple[ParcelDraft, ...]:
    """Return the parcels: those listed with ids, else the existing ones with the new totals."""
    old = [_draft_of(parcel) for parcel in before]
    if "parcel_ids" in filled:
        old_by_id = {parcel.external_id: parcel for parcel in old}
        named = [_same_parcel(p, old_by_id.get(p.external_id), filled) for p in drafts]
        return _with_unnamed_goods(named, old, filled)
    count = len(drafts) if "parcel_count" in filled else len(old)
    totals = {
        name: sum(getattr(p, name) for p in (drafts if name in filled else old))
        for name in ("weight_g", "volume_cm3")
    }
    parcels = old if count == len(old) else [ParcelDraft() for _n in range(count)]
    for name, total in totals.items():
        if sum(getattr(parcel, name) for parcel in parcels) != total:
            shares = spread(total, [1] * count)
            parcels = [_with_total(p, name, n) for p, n in zip(parcels, shares, strict=True)]
    return tuple(parcels)


def _with_unnamed_goods(
    named: list[ParcelDraft], old: Sequence[ParcelDraft], filled: frozenset[str]
) -> tuple[ParcelDraft, ...]:
    """Give the weight and volume of the old parcels without an id to the parcels with a new id.

    This is done only for the totals that the draft does not contain.
    """
    old_ids = {parcel.external_id for parcel in old}
    new = [at for at, parcel in enumerate(named) if parcel.external_id not in old_ids]
    for name in {"weight_g", "volume_cm3"} - filled:
        total = sum(getattr(parcel, name) for parcel in old if parcel.external_id is None)
        for at, share in zip(new, spread(total, [1] * len(new)) if new else (), strict=True):
            named[at] = _with_total(named[at], name, share)
    return tuple(named)


def _same_parcel(
    draft: ParcelDraft, before: ParcelDraft | None, filled: frozenset[str]
) -> ParcelDraft:
    if before is None:
        return draft
    return replace(
        before,
        weight_g=draft.weight_g if "weight_g" in filled else before.weight_g,
        volume_cm3=draft.volume_cm3 if "volume_cm3" in filled else before.volume_cm3,
    )


def _with_total(draft: ParcelDraft, name: str, share: int) -> ParcelDraft:
    return (
        replace(draft, weight_g=share) if name == "weight_g" else replace(draft, volume_cm3=share)
    )


def _draft_of(parcel: Parcel) -> ParcelDraft:
    return ParcelDraft(**{f.name: getattr(parcel, f.name) for f in fields(ParcelDraft)})


def _kept_warning(sent: SentFields, row: Order) -> tuple[FieldProblem, ...]:
    """Return one warning for all fields that are empty in the file but not in the order."""
    present = {
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
        "least_age": row.least_age,
        "signature": row.signature,
        "notes": row.notes,
    }
    names = sorted(name for name in sent.blank - sent.filled if present.get(name))
    if not names:
        return ()
    text = _("Empty in the file and therefore not changed: %(fields)s. To empty a field, edit "
             "the order.")  # fmt: skip
    return (FieldProblem("", text % {"fields": ", ".join(names)}, "kept"),)

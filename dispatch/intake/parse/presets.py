"""Exports of shops and delivery programs, turned into a table with our own headings. PURE.

An export is known by its headings. Its columns are renamed to the names in ``columns.py``, the
parts of a name or a note are put together, and further lines of an order (its items) are left out.
Columns that say nothing about the delivery, such as prices, are left out too. All others keep their
headings.

Sources: the public descriptions of each export; see the docstring of each preset.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dispatch.intake.parse.columns import (
    SHOP_STATE,
    column_of,
    fold,
    looks_like_window,
    mentions_delivery,
)
from dispatch.intake.parse.tables import Table

Cells = Mapping[str, str]  # folded heading -> cell
_ATTRIBUTES: Final = ("date", "window", "window_from", "window_to")


@dataclass(frozen=True, slots=True)
class Preset:
    """The export of one program.

    Parameters
    ----------
    known_by : tuple of str
        Folded headings that all files of this kind have, and no others.
    columns : mapping
        Our column -> folded headings; the first filled one counts.
    joined : mapping
        Our column -> folded headings whose cells are put together with spaces.
    ignored : pattern
        Folded headings that say nothing about the delivery.
    has_items : bool
        True if an order has a row for each of its items.
    attributes : str
        Folded heading of a column with lines such as ``Delivery-Date: 2026/12/01``.
    done : mapping
        Folded heading -> folded words that say that nothing is to be delivered; empty: any word.
    """

    name: str
    known_by: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    joined: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ignored: re.Pattern[str] = re.compile(r"(?!)")
    has_items: bool = False
    attributes: str = ""
    done: Mapping[str, frozenset[str]] = field(default_factory=dict)


#: https://help.shopify.com, "Exporting orders": one row for each item, only the first has all data.
SHOPIFY: Final = Preset(
    name="Shopify",
    known_by=("name", "lineitem name", "shipping name"),
    columns={
        "order_id": ("name",),
        "name": ("shipping name",),
        "phone": ("shipping phone", "phone"),
        "email": ("email",),
        "address": ("shipping address1", "shipping street", "address"),
        "unit": ("shipping address2",),
        "city": ("shipping city", "city"),
        "postcode": ("shipping zip", "zip"),
        "notes": ("notes",),
    },
    ignored=re.compile(
        r"(billing|lineitem|tax|discount|payment|duties|receipt|device)( .*)?|id|financial status"
        r"|paid at|currency|subtotal|shipping|taxes|total|outstanding balance|employee|location"
        r"|refunded amount|vendor|risk level|source|accepts marketing|created at|fulfilled at"
        r"|shipping (street|company|province|province name|country|method)|fulfillment status"
        r"|cancelled at|next payment due at"
    ),
    has_items=True,
    attributes="note attributes",
    done={"fulfillment status": frozenset({"fulfilled"}), "cancelled at": frozenset()},
)
#: https://woocommerce.com/document, "Order CSV export": a row for each order, or for each item.
WOOCOMMERCE: Final = Preset(
    name="WooCommerce",
    known_by=("order number", "shipping first name", "shipping address 1", "order total"),
    columns={
        "order_id": ("order number", "order id"),
        "phone": ("shipping phone", "billing phone"),
        "email": ("billing email",),
        "address": ("shipping address 1",),
        "unit": ("shipping address 2",),
        "city": ("shipping city",),
        "postcode": ("shipping postcode",),
        "notes": ("customer note",),
    },
    joined={"name": ("shipping first name", "shipping last name")},
    ignored=re.compile(
        r"(billing|item|line|tax|cart|refund|coupon|fee|payment|download)( .*)?|customer id"
        r"|order (id|key|status|date|currency|total|subtotal|tax|tax total|shipping|shipping tax"
        r"|fees|fee total|discount|refunds?|total tax)|shipping (first|last) name"
        r"|status|date|paid date|shipping (total|tax total|method|items|company|state|country)"
        r"|currency|discount total|vat number|subtotal"
    ),
    has_items=True,
    done={"status": frozenset({"completed", "cancelled", "refunded", "failed"})},
)
#: https://onfleet.com, "Import tasks": the headings of its own template.
ONFLEET: Final = Preset(
    name="Onfleet",
    known_by=("recipient name", "address line1", "city town"),
    columns={
        "order_id": ("task id", "order id", "short id", "external id", "recipient id"),
        "name": ("recipient name",),
        "phone": ("recipient phone",),
        "address": ("address line1",),
        "unit": ("address line2",),
        "city": ("city town",),
        "postcode": ("postal code",),
        "window_from": ("complete after", "completeafter"),
        "window_to": ("complete before", "completebefore"),
        "service_minutes": ("service time",),
    },
    joined={"notes": ("task details", "recipient notes", "destination notes")},
    ignored=re.compile(r"state province|country|driver|team|recipient skip sms.*|organization"),
)
PRESETS: Final = (SHOPIFY, WOOCOMMERCE, ONFLEET)


def is_export(headings: Sequence[str]) -> bool:
    """Return True if these are the headings of a known export."""
    return _preset_of([fold(heading) for heading in headings]) is not None


def translated(table: Table) -> Table:
    """Return the table of a known export with our headings; any other table unchanged."""
    headings = [fold(heading) for heading in table.headings]
    preset = _preset_of(headings)
    return table if preset is None else _translate(table, headings, preset)


def _preset_of(headings: Sequence[str]) -> Preset | None:
    return next((one for one in PRESETS if set(one.known_by) <= set(headings)), None)


def _translate(table: Table, headings: Sequence[str], preset: Preset) -> Table:
    taken = {one for names in (*preset.columns.values(), *preset.joined.values()) for one in names}
    others = [
        at
        for at, heading in enumerate(headings)
        if heading not in taken | {preset.attributes} and not _is_ignored(preset, heading)
    ]
    own = [name for name in (*preset.columns, *preset.joined) if _exists(preset, name, headings)]
    kept = [table.headings[at] for at in others]
    named: list[str] = []
    if preset.attributes in headings:
        named = [name for name in _ATTRIBUTES if name not in {column_of(one) for one in kept}]

    def rows() -> Iterator[tuple[int, list[str]]]:
        before: dict[str, list[str]] = {}
        for number, cells in table.rows:
            at = {h: cells[n] if n < len(cells) else "" for n, h in enumerate(headings)}
            values = [_value(preset, name, at) for name in own]
            if preset.has_items and _is_item(before, values, own):
                continue
            texts = _attributes(at.get(preset.attributes, ""))
            rest = [cells[n] if n < len(cells) else "" for n in others]
            promise = (texts.get(name, "") for name in named)
            yield number, [*values, _state(preset, at), *promise, *rest]

    return Table([*own, SHOP_STATE, *named, *kept], rows())


def _is_ignored(preset: Preset, heading: str) -> bool:
    """Return True for a heading that says nothing about the delivery.

    A heading that may name the day or the time of delivery is never ignored.
    """
    may_promise = looks_like_window(heading) or mentions_delivery(heading)
    return bool(preset.ignored.fullmatch(heading)) and not may_promise


def _exists(preset: Preset, name: str, headings: Sequence[str]) -> bool:
    sources = preset.columns.get(name) or preset.joined[name]
    return any(one in headings for one in sources)


def _value(preset: Preset, name: str, at: Cells) -> str:
    if name in preset.joined:
        return " ".join(filter(None, (at.get(one, "").strip() for one in preset.joined[name])))
    return next((at[one] for one in preset.columns[name] if at.get(one, "").strip()), "")


def _is_item(before: dict[str, list[str]], values: list[str], own: Sequence[str]) -> bool:
    """Return True for a further row of an order that says nothing new about it."""
    order = values[own.index("order_id")].strip()
    first = before.setdefault(order, values)
    return first is not values and all(
        not new.strip() or new == old for new, old in zip(values, first, strict=True)
    )


def _attributes(cell: str) -> dict[str, str]:
    """Return {our column: text} of the lines of a cell that name the day or the window."""
    texts: dict[str, str] = {}
    for line in cell.splitlines():
        name, colon, text = line.partition(":")
        column = column_of(name)
        if colon and column in _ATTRIBUTES and text.strip():
            texts.setdefault(column, text.strip())
    return texts


def _state(preset: Preset, at: Cells) -> str:
    """Return the shop's word for an order with nothing to deliver, else ""."""
    for heading, words in preset.done.items():
        text = at.get(heading, "").strip()
        if text and (not words or fold(text) in words):
            return text[:40]
    return ""

"""The columns of an order file: their names, the names people give them, and what they hold. PURE.

One table serves the reader, the page that explains the format, and the sample file.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """One column an order file may have.

    Parameters
    ----------
    name : str
        The name in code and in the sample file.
    aliases : tuple of str
        Other headings people use, folded as by :func:`fold`.
    sample : str
        A value for the sample file.
    """

    name: str
    aliases: tuple[str, ...]
    sample: str


COLUMNS: tuple[Column, ...] = (
    Column(
        "order_id",
        (
            "order",
            "order no",
            "order number",
            "external id",
            "id",
            "reference",
            "ref",
            "pedido",
            "numero de pedido",
            "id pedido",
            "referencia",
        ),
        "A-1001",
    ),
    Column(
        "name",
        (
            "customer",
            "customer name",
            "recipient",
            "shopper",
            "contact",
            "nombre",
            "cliente",
            "destinatario",
        ),
        "Ana Rojas",
    ),
    Column(
        "phone",
        ("telephone", "mobile", "phone number", "telefono", "movil", "celular"),
        "+56 9 6123 4567",
    ),
    Column("email", ("e mail", "mail", "correo", "correo electronico"), "ana@example.org"),
    Column("language", ("lang", "idioma"), "es"),
    Column(
        "address",
        ("full address", "delivery address", "direccion", "direccion completa"),
        "Av. del Mar 1200, La Serena",
    ),
    Column("street", ("street name", "calle"), ""),
    Column("house_number", ("number", "house no", "housenumber", "numero", "no"), ""),
    Column("postcode", ("zip", "zip code", "postal code", "codigo postal", "cp"), ""),
    Column("city", ("town", "ciudad", "comuna", "localidad"), ""),
    Column("lat", ("latitude", "latitud", "y"), "-29.9027"),
    Column("lon", ("lng", "long", "longitude", "longitud", "x"), "-71.2519"),
    Column(
        "date", ("delivery date", "service date", "day", "fecha", "fecha de entrega"), "2026-12-01"
    ),
    Column(
        "window_from",
        (
            "from",
            "window start",
            "earliest",
            "time from",
            "opens",
            "desde",
            "ventana desde",
            "hora desde",
        ),
        "09:00",
    ),
    Column(
        "window_to",
        (
            "to",
            "until",
            "window end",
            "latest",
            "time to",
            "closes",
            "hasta",
            "ventana hasta",
            "hora hasta",
        ),
        "12:00",
    ),
    Column(
        "service_minutes",
        ("service", "service time", "duration", "minutes", "minutos", "tiempo de servicio"),
        "4",
    ),
    Column("service_seconds", ("service s",), ""),
    Column("parcels", ("packages", "pieces", "boxes", "bultos", "paquetes", "cajas"), "2"),
    Column("parcel_id", ("package id", "barcode", "tracking", "parcel", "codigo de barras"), ""),
    Column("weight_kg", ("weight", "kg", "peso", "peso kg"), "6.5"),
    Column("weight_g", ("grams", "gramos", "peso g"), ""),
    Column("volume_l", ("volume", "litres", "liters", "volumen", "litros"), "18"),
    Column("volume_cm3", ("cm3", "volumen cm3"), ""),
    Column("skills", ("requirements", "tags", "requisitos"), ""),
    Column("hub", ("depot", "store", "warehouse", "hub id", "bodega", "tienda", "centro"), ""),
    Column("direction", ("kind", "type", "tipo"), "outward"),
    Column(
        "notes",
        ("note", "instructions", "comment", "comments", "notas", "instrucciones", "comentarios"),
        "Ring twice",
    ),
)

NAMES = frozenset(c.name for c in COLUMNS)


def fold(heading: str) -> str:
    """Fold a heading: no accents, lower case, every run of other characters one space."""
    plain = unicodedata.normalize("NFKD", heading)
    plain = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    return re.sub(r"[^a-z0-9]+", " ", plain).strip()


_BY_HEADING: dict[str, str] = {
    folded: column.name for column in COLUMNS for folded in (fold(column.name), *column.aliases)
}


def recognise(headings: list[str]) -> tuple[dict[int, str], list[str]]:
    """Map the positions of known headings to column names; return the unknown headings too.

    The first of two headings for one column wins; the second is listed as unknown, so that
    nothing is dropped in silence.
    """
    known: dict[int, str] = {}
    unknown: list[str] = []
    for position, heading in enumerate(headings):
        name = _BY_HEADING.get(fold(heading))
        if name is None or name in known.values():
            if heading.strip():
                unknown.append(heading.strip())
        else:
            known[position] = name
    return known, unknown

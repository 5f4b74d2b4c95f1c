"""The columns of an order file: their names, other usual headings, and sample values. PURE.

The reader, the page that explains the format and the sample file all use this table.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an order file may have.

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
            "pedido n",
            "pedido no",
            "n pedido",
            "no pedido",
            "nro pedido",
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
            "recipient name",
            "shopper",
            "contact",
            "nombre",
            "nombre cliente",
            "nombre del cliente",
            "cliente",
            "destinatario",
        ),
        "Ana Rojas",
    ),
    Column(
        "phone",
        (
            "telephone",
            "mobile",
            "phone number",
            "recipient phone",
            "recipient phone number",
            "customer phone",
            "telefono",
            "tel",
            "fono",
            "movil",
            "celular",
        ),
        "",  # a number of the retailer's country: see dispatch.intake.selectors.columns
    ),
    Column(
        "email",
        (
            "e mail",
            "mail",
            "email address",
            "recipient email",
            "recipient email address",
            "customer email",
            "correo",
            "correo electronico",
        ),
        "ana@example.org",
    ),
    Column("language", ("lang", "idioma"), "es"),
    Column(
        "address",
        (
            "full address",
            "delivery address",
            "shipping address",
            "direccion",
            "direccion completa",
            "direccion de entrega",
            "direccion entrega",
            "direccion de despacho",
            "direccion despacho",
            "address 1",
            "address1",
            "address line 1",
        ),
        "Av. del Mar 1200, La Serena",
    ),
    Column("street", ("street name", "calle"), ""),
    Column("house_number", ("number", "house no", "housenumber", "numero", "no"), ""),
    Column(
        "unit",
        (
            "apartment",
            "apt",
            "flat",
            "suite",
            "address 2",
            "address2",
            "address line 2",
            "departamento",
            "depto",
            "dpto",
            "piso",
        ),
        "",
    ),
    Column("postcode", ("zip", "zip code", "postal code", "codigo postal", "cp"), ""),
    Column("city", ("town", "ciudad", "comuna", "localidad"), ""),
    Column("lat", ("latitude", "latitud", "y"), "-29.9027"),
    Column("lon", ("lng", "long", "longitude", "longitud", "x"), "-71.2519"),
    Column(
        "date",
        (
            "delivery date",
            "service date",
            "day",
            "fecha",
            "fecha de entrega",
            "fecha entrega",
            "fecha de despacho",
            "fecha despacho",
        ),
        "2026-12-01",
    ),
    Column(
        "window_from",
        (
            "from",
            "window start",
            "tw start",
            "time window start",
            "earliest",
            "time from",
            "opens",
            "start",
            "start time",
            "earliest time",
            "delivery from",
            "not before",
            "desde",
            "ventana desde",
            "hora desde",
            "inicio",
            "hora inicio",
            "hora de inicio",
        ),
        "09:00",
    ),
    Column(
        "window_to",
        (
            "to",
            "until",
            "window end",
            "tw end",
            "time window end",
            "latest",
            "time to",
            "closes",
            "end",
            "end time",
            "latest time",
            "delivery to",
            "deliver by",
            "not after",
            "hasta",
            "ventana hasta",
            "hora hasta",
            "fin",
            "hora fin",
            "hora de fin",
            "hora termino",
        ),
        "12:00",
    ),
    Column(
        "window",
        (
            "time window",
            "delivery window",
            "delivery time",
            "delivery time slot",
            "delivery slot",
            "time slot",
            "timeslot",
            "slot",
            "preferred time",
            "ventana",
            "ventana horaria",
            "ventana de entrega",
            "franja",
            "franja horaria",
            "bloque horario",
            "horario",
            "horario de entrega",
            "hora de entrega",
            "rango horario",
        ),
        "",
    ),
    Column(
        "service_minutes",
        (
            "service",
            "service time",
            "duration",
            "minutes",
            "time at stop",
            "time at stop minutes",
            "minutos",
            "tiempo de servicio",
        ),
        "4",
    ),
    Column("service_seconds", ("service s",), ""),
    Column(
        "parcels",
        ("packages", "package count", "pieces", "boxes", "bultos", "paquetes", "cajas"),
        "2",
    ),
    Column("parcel_id", ("package id", "barcode", "tracking", "parcel", "codigo de barras"), ""),
    Column("weight_kg", ("weight", "kg", "peso", "peso kg"), "6.5"),
    Column("weight_g", ("grams", "gramos", "peso g"), ""),
    Column("volume_l", ("volume", "litres", "liters", "volumen", "litros"), "18"),
    Column("volume_cm3", ("cm3", "volumen cm3"), ""),
    Column("skills", ("requirements", "requisitos"), ""),
    Column("hub", ("depot", "store", "warehouse", "hub id", "bodega", "tienda", "centro"), ""),
    Column("direction", ("kind", "type", "tipo"), "outward"),
    Column(
        "minimum_age",
        (
            "least age",
            "min age",
            "age check",
            "age verification",
            "age restriction",
            "edad minima",
            "control de edad",
            "verificacion de edad",
            "mayor de",
        ),
        "",
    ),
    Column(
        "signature",
        (
            "signature required",
            "require signature",
            "requires signature",
            "signed for",
            "firma",
            "firma requerida",
            "requiere firma",
            "con firma",
        ),
        "",
    ),
    Column(
        "choice",
        (
            "choice id",
            "delivery choice",
            "eleccion",
            "id eleccion",
            "id de eleccion",
            "eleccion de entrega",
        ),
        "",
    ),
    Column(
        "notes",
        ("note", "instructions", "comment", "comments", "notas", "instrucciones", "comentarios"),
        "Ring twice",
    ),
)

# Words in headings: for the time of delivery, for other times, for a delivery, and for days.
_WINDOW = """
slot slots timeslot window windows time times hour hours eta arrival arrive deadline before
ventana ventanas franja franjas horario horarios hora horas tramo turno llegada antes bloque
appointment cita promise promised promesa prometido janela zeitfenster fenster
creneau heure heures uhrzeit
"""
_OTHER = """
created creation placed ordered paid payment updated update modified purchase purchased invoice
printed import export timestamp timezone zone login shipped processed checkout first prep
preparation lead transit travel opening business store office service duration minutes min mins
unloading loading stop door site setup creado creacion pagado pago compra registro modificado
actualizado preparacion facturado apertura servicio minutos
"""
_DELIVERY = "delivery deliver entrega entregar despacho reparto livraison lieferung"
_DAY = "date dates day fecha fechas dia data datum jour"
_WINDOW_WORDS, _OTHER_TIMES, _DAY_WORDS, _DELIVERY_WORDS = (
    frozenset(words.split()) for words in (_WINDOW, _OTHER, _DAY, _DELIVERY)
)


def fold(heading: str) -> str:
    """Return a heading in lower case, without accents, with one space for other characters."""
    plain = unicodedata.normalize("NFKD", heading)
    plain = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    return re.sub(r"[^a-z0-9]+", " ", plain).strip()


#: The shop's word for an order with nothing to deliver. Exports get this column; no sample has it.
SHOP_STATE = "shop_state"
_BY_HEADING: dict[str, str] = {
    folded: column.name for column in COLUMNS for folded in (fold(column.name), *column.aliases)
} | {fold(SHOP_STATE): SHOP_STATE}


def column_of(heading: str) -> str:
    """Return the name of the column that a heading names, "" if it is unknown."""
    return _BY_HEADING.get(fold(heading), "")


def looks_like_window(heading: str) -> bool:
    """Return True if an unknown heading seems to name the time of delivery."""
    words = set(fold(heading).split())
    day_alone = words & _DAY_WORDS and not words & _DELIVERY_WORDS
    return bool(words & _WINDOW_WORDS) and not day_alone and not is_other_time(heading)


def mentions_delivery(heading: str) -> bool:
    """Return True if an unknown heading contains a word for delivery."""
    return bool(set(fold(heading).split()) & _DELIVERY_WORDS)


def is_other_time(heading: str) -> bool:
    """Return True if a heading names another time, such as when the order was paid."""
    folded = fold(heading)
    words = set(folded.split())
    return bool(words & _OTHER_TIMES) or folded in {"order time", "hora pedido", "hora de pedido"}


def recognise(headings: list[str]) -> tuple[dict[int, str], list[str]]:
    """Return {position: column name} of the known headings, and the unknown headings.

    If two headings name the same column, the first is used. The second is listed as unknown, so
    that the sender learns that it was ignored.
    """
    columns: dict[int, str] = {}
    unknown: list[str] = []
    for position, heading in enumerate(headings):
        name = _BY_HEADING.get(fold(heading))
        if name is None or name in columns.values():
            if heading.strip():
                unknown.append(heading.strip())
        else:
            columns[position] = name
    return columns, unknown

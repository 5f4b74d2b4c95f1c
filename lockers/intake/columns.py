"""The columns of a file of points, their other usual names, and sample values. PURE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dispatch.intake.parse.columns import Column, fold

# Carriers' own lists use these names, in English, Spanish or Dutch. Earlier names count first.
COLUMNS: Final[tuple[Column, ...]] = (
    Column("point_id", ("external id", "id", "code", "point", "location id", "codigo"), "NL10223"),
    Column(
        "name",
        ("locatienaam", "point name", "location name", "location", "title", "nombre", "naam"),
        "Central Station",
    ),
    Column(
        "kind",
        ("point type", "punttype", "location type", "category", "tipo", "soort", "type"),
        "locker",
    ),
    Column("network", ("vervoerder", "carrier", "operator", "brand", "red", "transportista"), ""),
    Column("address", ("full address", "direccion", "adres"), ""),
    Column("street", ("straatnaam", "straat", "street name", "addr street", "calle"), "Main St"),
    Column(
        "house_number",
        ("straatnr", "huisnummer", "housenumber", "addr housenumber", "number", "numero"),
        "12",
    ),
    Column("postcode", ("zip", "postal code", "addr postcode", "codigo postal"), "3511 CE"),
    Column("city", ("town", "addr city", "plaats", "ciudad", "comuna"), "Utrecht"),
    Column("lat", ("latitude", "latitud", "y"), "52.0894"),
    Column("lon", ("lng", "long", "longitude", "longitud", "x"), "5.1101"),
    Column(
        "hours",
        ("opening hours", "openingstijden", "horario", "horarios"),
        "Mo-Fr 08:00-20:00; Sa 09:00-17:00; PH off",
    ),
    Column("country", ("country code", "addr country", "pais", "land"), "NL"),
    Column("zone", ("time zone", "timezone", "tz", "zona horaria"), "Europe/Amsterdam"),
    Column("hub", ("depot", "store", "hub id", "centro", "bodega"), ""),
    Column("access", ("directions", "how to find", "description", "acceso", "como llegar"), ""),
    Column("weight_kg", ("max weight", "max weight kg", "peso maximo"), "20"),
)

# Words of carriers for the two kinds of points that a file may have.
_LOCKERS = """
locker lockers vendor packstation dpd_box parcel_locker parcel_lockers pakketautomaat
pakketkluis buitenkluis kluis apm taquilla taquillas casillero casilleros consigna lockerbank
"""
_COUNTERS = """
counter shop store parcelshop parcel_shop pickup_point pickuppoint pudo service_point
servicepoint afhaalpunt mostrador tienda punto_de_recogida
"""
LOCKER_WORDS: Final = frozenset(_LOCKERS.split())
COUNTER_WORDS: Final = frozenset(_COUNTERS.split())


def recognise(headings: Sequence[str]) -> tuple[dict[int, str], list[str]]:
    """Return {position: column name} of the known headings, and the unknown headings.

    If several headings name one column, the one that comes first in ``COLUMNS`` is used.
    """
    folded = [fold(heading) for heading in headings]
    known: dict[int, str] = {}
    for column in COLUMNS:
        for name in (fold(column.name), *column.aliases):
            if name in folded and folded.index(name) not in known:
                known[folded.index(name)] = column.name
                break
    unknown = [h.strip() for at, h in enumerate(headings) if at not in known and h.strip()]
    return known, unknown

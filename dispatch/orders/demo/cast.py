"""The two shops of the demo and the names of their shoppers. All data is invented."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

FIRST_NAMES: Final = (
    "Alejandra", "Amanda", "Antonia", "Bárbara", "Beatriz", "Benjamín", "Carlos", "Carolina",
    "Catalina", "Cecilia", "Claudio", "Constanza", "Cristián", "Daniela", "Eduardo", "Emilia",
    "Esteban", "Felipe", "Fernanda", "Francisca", "Gabriel", "Gloria", "Gonzalo", "Héctor",
    "Ignacio", "Isabel", "Javiera", "Joaquín", "Josefa", "Juan", "Karina", "Laura", "Leonardo",
    "Lorena", "Lucía", "Magdalena", "Manuel", "Marcela", "Margarita", "María", "Mateo", "Matías",
    "Mónica", "Nicolás", "Óscar", "Pablo", "Patricia", "Paulina", "Ramón", "Raúl", "Ricardo",
    "Rodrigo", "Samuel", "Sandra", "Sebastián", "Sergio", "Silvia", "Teresa", "Vicente", "Ximena",
)  # fmt: skip
LAST_NAMES: Final = (
    "Aguilera", "Álvarez", "Aravena", "Bravo", "Cáceres", "Campos", "Carrasco", "Cerda",
    "Cifuentes", "Donoso", "Escobar", "Fuentes", "Gallardo", "Garrido", "Guzmán", "Henríquez",
    "Herrera", "Jara", "Lagos", "Leiva", "Maldonado", "Medina", "Miranda", "Molina", "Morales",
    "Moya", "Navarro", "Ortiz", "Osorio", "Parra", "Peña", "Pérez", "Poblete", "Quezada", "Reyes",
    "Riquelme", "Saavedra", "Salas", "Sandoval", "Sepúlveda", "Soto", "Torres", "Troncoso",
    "Ulloa", "Valdés", "Vargas", "Venegas", "Vidal", "Yáñez", "Zamora",
)  # fmt: skip

Window = tuple[int, int]  # local hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The parameters from which the orders of one demo shop are drawn.

    Parameters
    ----------
    windows : pairs of a time window and its weight; None means without a promise
    parcels : weights for 1, 2, 3 … parcels per order
    parcel_g, parcel_cm3 : lightest and heaviest, smallest and largest parcel
    service_s : shortest and longest service time of a stop
    value : lowest value, highest value and step of one parcel, in minor units
    chilled : share of orders that need a refrigerated vehicle
    odd : special orders (fields of a draft) that cannot be planned or need a pin
    """

    code: str
    name: str
    language: str
    orders: int
    windows: Sequence[tuple[Window | None, int]]
    parcels: Sequence[int]
    parcel_g: tuple[int, int]
    parcel_cm3: tuple[int, int]
    service_s: tuple[int, int]
    value: tuple[int, int, int]
    chilled: float
    notes: Sequence[str]
    odd: Sequence[Mapping[str, Any]]

    def prefix(self, date: dt.date) -> str:
        """Return the first part of the external ids of a day."""
        return f"{self.code}-{date:%y%m%d}-"


SHOPS: Final[Mapping[str, Shop]] = {
    "verdura": Shop(
        code="VF",
        name="Verdura Fresca",
        language="es",
        orders=300,
        windows=(
            ((9, 12), 14), ((9, 11), 8), ((10, 12), 9), ((10, 11), 3), ((11, 13), 8),
            ((12, 15), 10), ((12, 14), 6), ((14, 16), 6), ((15, 18), 10), ((16, 18), 9),
            ((17, 20), 12), ((17, 19), 9), ((18, 21), 10), ((18, 20), 9), ((19, 20), 3),
        ),
        parcels=(48, 30, 14, 6, 2),
        parcel_g=(2_500, 11_000),
        parcel_cm3=(18_000, 52_000),
        service_s=(150, 330),
        value=(8_000, 78_000, 10),
        chilled=0.22,
        notes=(
            "Dejar en conserjería.", "Tocar el timbre dos veces.", "Portón negro, casa del fondo.",
            "Llamar al llegar.", "Cuidado con el perro.", "Depto. 302, citófono malo.",
            "No dejar al sol, por favor.", "Entrada por el pasaje.", "Hay guagua durmiendo.",
        ),
        odd=(
            {
                "weight_g": 1_450_000, "volume_cm3": 1_900_000, "parcel_count": 60,
                "notes": "Evento: 60 cajas de agua mineral, todo en un viaje.",
            },
            {"skills": ("grua",), "notes": "Congelador para la azotea: se sube con grúa."},
            {
                "away": "Parcela 14, portón verde después del puente",
                "notes": "El camino no sale en el mapa.",
            },
            {"away": "Casa de mi mamá, frente a la plaza"},
        ),
    ),
    "faro": Shop(
        code="LF",
        name="Librería Faro",
        language="en",
        orders=120,
        windows=((None, 55), ((10, 13), 12), ((13, 17), 14), ((10, 14), 10), ((15, 18), 9)),
        parcels=(82, 14, 4),
        parcel_g=(300, 2_600),
        parcel_cm3=(900, 7_500),
        service_s=(90, 180),
        value=(900, 9_500, 5),
        chilled=0.0,
        notes=(
            "Leave with the neighbour at number 12.", "Gift: please keep the wrapping dry.",
            "Ring twice.", "Reception closes for lunch.", "Mind the step.", "Second floor, left.",
        ),
        odd=(
            {"window": (5, 6), "notes": "Before the school bus leaves."},
            {"away": "The yellow house behind the lighthouse", "notes": "Call from the corner."},
        ),
    ),
}  # fmt: skip

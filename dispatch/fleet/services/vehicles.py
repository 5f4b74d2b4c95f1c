"""Services of vehicles: add, change, retire."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.utils.translation import gettext as _

from dispatch import emissions
from dispatch.fleet import skills, values
from dispatch.fleet.events import ADDED, CHANGED, RETIRED
from dispatch.fleet.models import Energy, Hub, Profile, Vehicle
from dispatch.fleet.services.writing import (
    create,
    locked,
    refuse_to_retire_in_use,
    refuse_while_in_shifts,
    write,
)
from lastmile.core.errors import Problems

_ENERGIES_OF_PROFILE = {
    Profile.VAN: {Energy.DIESEL, Energy.PETROL},
    Profile.E_VAN: {Energy.ELECTRIC},
    Profile.CARGO_BIKE: {Energy.ELECTRIC, Energy.MUSCLE},
    Profile.FOOT: {Energy.MUSCLE},
}


class VehicleFields(TypedDict, total=False):
    """The fields of a vehicle.

    ``weight_g``, ``volume_cm3`` and ``parcels`` are its capacities. ``own_co2_mg_per_m`` (well to
    wheel) replaces the factor of ``emission_class``.
    """

    external_id: str | None
    name: str
    hub: Hub
    plate: str
    profile: str
    energy: str
    weight_g: int
    volume_cm3: int
    parcels: int
    fixed_cost_minor: int
    cost_per_km_minor: int
    cost_per_hour_minor: int
    skills: list[str]
    range_m: int | None
    emission_class: str
    own_co2_mg_per_m: int | None
    active: bool


_COST = values.whole(0, 100_000_000)
RULES: dict[str, values.Rule] = {
    "external_id": values.external_id,
    "name": values.name,
    "hub": values.unchanged,
    "plate": values.text(20),
    "profile": values.one_of(*Profile.values),
    "energy": values.one_of(*Energy.values),
    "weight_g": values.whole(1, 40_000_000),
    "volume_cm3": values.whole(1, 120_000_000),
    "parcels": values.whole(1, 10_000),
    "fixed_cost_minor": _COST,
    "cost_per_km_minor": _COST,
    "cost_per_hour_minor": _COST,
    "skills": skills.normalise,
    "range_m": values.whole(1, 5_000_000, null=True),
    "emission_class": values.one_of(*emissions.VEHICLE_CLASSES),
    "own_co2_mg_per_m": values.whole(0, 5_000, null=True),
    "active": values.boolean,
}
_REQUIRED = ("name", "hub", "profile", "energy", "weight_g", "volume_cm3", "parcels")


def _check_combination(columns: dict[str, Any]) -> None:
    """Check that profile, energy and emission class fit together."""
    problems = Problems()
    profile, energy = Profile(columns["profile"]), columns["energy"]
    if energy not in _ENERGIES_OF_PROFILE[profile]:
        problems.add(
            "/energy",
            _("The vehicle type %(profile)s allows only this energy: %(energies)s. Change the type "
              "or the energy.")
            % {
                "profile": profile.value,
                "energies": ", ".join(sorted(_ENERGIES_OF_PROFILE[profile])),
            },
        )  # fmt: skip
    problems.raise_if_any()
    try:
        emissions.factor_for(
            columns["emission_class"], energy, own_wtw_mg_per_m=columns.get("own_co2_mg_per_m")
        )
    except emissions.UnknownFactor as unknown:
        problems.add("/emission_class", str(unknown))
    problems.raise_if_any()


@transaction.atomic
def add_vehicle(**fields: Unpack[VehicleFields]) -> Vehicle:
    """Add a vehicle; name, hub, profile, energy and the three capacities are required.

    Records: vehicle.added. Raises: Invalid, ExternalIdTaken.
    """
    columns = values.clean(fields, RULES, required=_REQUIRED)
    columns.setdefault("emission_class", emissions.class_of_profile(columns["profile"]))
    _check_combination(columns)
    return create(Vehicle, columns, ADDED["vehicle"])


@transaction.atomic
def change_vehicle(
    *, vehicle: Vehicle, version: int | None = None, **fields: Unpack[VehicleFields]
) -> Vehicle:
    """Change the given fields of a vehicle. A vehicle with shifts to come keeps its hub.

    Locks: the vehicle. Records: vehicle.changed if a value differs. Raises: Invalid, Stale,
    ExternalIdTaken, StillInUse.
    """
    columns = values.clean(fields, RULES)
    row = locked(vehicle, version)
    if (
        "profile" in columns
        and "emission_class" not in columns
        and columns["profile"] != row.profile
    ):
        columns["emission_class"] = emissions.class_of_profile(columns["profile"])
    names = ("profile", "energy", "emission_class", "own_co2_mg_per_m")
    _check_combination({name: getattr(row, name) for name in names} | columns)
    refuse_to_retire_in_use(row, columns)
    if columns.get("hub", row.hub) != row.hub:
        refuse_while_in_shifts(row.shifts.all())
    return write(row, columns, CHANGED["vehicle"])


@transaction.atomic
def retire_vehicle(*, vehicle: Vehicle, version: int | None = None) -> Vehicle:
    """Make a vehicle inactive; its history stays.

    Locks: the vehicle. Records: vehicle.retired. Raises: StillInUse, Stale.
    """
    row = locked(vehicle, version)
    refuse_while_in_shifts(row.shifts.all())
    return write(row, {"active": False}, RETIRED["vehicle"])

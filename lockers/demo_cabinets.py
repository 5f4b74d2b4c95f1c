"""The cabinets of the demo: a token for the simulator of each retailer, and a counter.

The simulator is a program of its own (``lockers.simulator``). The file for it holds the token, so
only its owner can read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from dispatch.fleet.models import Hub
from lastmile.core.demo import Demo
from lastmile.core.geo import Point
from lastmile.core.phones import region_of
from lastmile.core.private_files import write_private
from lastmile.core.tenancy import current_retailer
from lockers.fitting import Size
from lockers.models import LockerBank
from lockers.services import (
    BankDraft,
    CompartmentDraft,
    add_bank,
    add_compartments,
    make_token,
    point_to_next_look,
)
from lockers.simulator.memory import Memory
from lockers.simulator.station import DEMO_FIRMWARE
from lockers.states import BankKind, DeviceState

FILE_NAME: Final = "demo-lockers.json"
FOLDER_NAME: Final = "demo-lockers"
#: Columns of doors: size class, width, height and depth in mm, doors from top to bottom.
COLUMNS: Final = (
    ("S", Size(width_mm=380, height_mm=110, depth_mm=640), 5),
    ("M", Size(width_mm=380, height_mm=190, depth_mm=640), 4),
    ("L", Size(width_mm=380, height_mm=390, depth_mm=640), 3),
)
#: The bank to which the demo sends orders (``demo.py``), if it has any.
WITH_ORDERS: Final = "demo-1"
SHELVES: Final = 24
_SHELF: Final = Size(width_mm=600, height_mm=400, depth_mm=500)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoBank:
    """A bank of the demo and its place. ``page`` is added to the port of Lastmile."""

    id: str
    hub: str
    name: str
    address: str
    lat: float
    lon: float
    page: int
    counter: str


BANKS: Final[Mapping[str, DemoBank]] = {
    "verdura": DemoBank(
        id="vf-locker-1",
        hub="vf-serena",
        name="Casilleros Plaza de Armas",
        address="Calle Prat 400, La Serena",
        lat=-29.9027,
        lon=-71.2519,
        page=2,
        counter="Mesón Bodega La Serena",
    ),
    "faro": DemoBank(
        id="lf-locker-1",
        hub="lf-centro",
        name="Lockers at La Recova market",
        address="Calle Cienfuegos 370, La Serena",
        lat=-29.9018,
        lon=-71.2467,
        page=3,
        counter="Counter of Faro Centro",
    ),
}


def lockers_file() -> Path:
    """Return the path of the file with the tokens of the simulated cabinets."""
    path: Path = settings.VAR / FILE_NAME
    return path


def seed_demo(demo: Demo) -> Mapping[str, Any]:
    """Add a bank and a counter to a demo retailer, and give the simulator what it needs.

    A bank to which another cabinet was connected keeps that one. Records: what the services of
    lockers record; an audit entry of the token. Raises: nothing.
    """
    retailer = current_retailer()
    plan = BANKS.get(retailer.schema)
    hub = Hub.objects.filter(external_id=plan.hub, active=True).first() if plan else None
    if plan is None or hub is None:
        return {}
    bank = _bank(plan, hub)
    _counter(plan, hub)
    point_to_next_look()
    folder = settings.VAR / FOLDER_NAME
    folder.mkdir(mode=0o700, exist_ok=True)
    memory = folder / f"{retailer.schema}.json"
    cabinet = {
        "name": retailer.schema,
        "host": urlsplit(f"//{retailer.domain}").hostname or retailer.domain,
        "title": bank.name,
        "page": settings.PORT + plan.page,
        "doors": list(bank.compartments.order_by("pk").values_list("number", flat=True)),
        "memory": str(memory),
        "token": _token(bank, memory),
    }
    others = [one for one in _stored() if one["name"] != retailer.schema]
    values = {
        "port": settings.PORT,
        "cabinets": sorted([*others, cabinet], key=lambda one: int(one["page"])),
    }
    write_private(lockers_file(), json.dumps(values, ensure_ascii=False, indent=1).encode())
    return {"locker_bank": bank.public_id, "locker_page": cabinet["page"]}


def _stored() -> list[dict[str, Any]]:
    """Return the cabinets in the file, for the port of Lastmile; without a readable file, none."""
    try:
        values = json.loads(lockers_file().read_text(encoding="utf-8"))
        return list(values["cabinets"]) if values["port"] == settings.PORT else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _token(bank: LockerBank, memory: Path) -> str:
    """Return a new token if the simulator has no valid keys; "" if it has, or must not have."""
    device = bank.devices.filter(state=DeviceState.LIVE).first()
    if device is not None and _device_in(memory) == device.public_id:
        return ""
    if device is not None and device.firmware != DEMO_FIRMWARE:
        return ""
    return make_token(bank=bank).secret


def _device_in(memory: Path) -> str:
    try:
        return str(Memory(memory).load().get("device", ""))
    except (OSError, ValueError):
        memory.unlink(missing_ok=True)
        return ""


def _bank(plan: DemoBank, hub: Hub) -> LockerBank:
    rows = LockerBank.objects.filter(external_id__in=(WITH_ORDERS, plan.id))
    bank = rows.order_by("pk").first()
    if bank is not None:
        return bank
    bank = add_bank(
        draft=BankDraft(
            name=plan.name,
            hub=hub,
            point=Point(lat=plan.lat, lon=plan.lon),
            zone=current_retailer().zone,
            country=region_of(current_retailer().zone),
            external_id=plan.id,
            address=plan.address,
            hours="",
            capabilities=("low_doors", "screen", "scanner"),
            most_weight_g=20_000,
        )
    )
    number, drafts = 0, []
    for column, (word, size, doors) in enumerate(COLUMNS, 1):
        for place in range(doors):
            number += 1
            drafts.append(
                CompartmentDraft(
                    number=str(number),
                    inside=size,
                    size_class=word,
                    side=str(column),
                    low=place >= doors - 2,
                )
            )
    add_compartments(bank=bank, drafts=drafts)
    return bank


def _counter(plan: DemoBank, hub: Hub) -> None:
    """Add the counter of the hub, with the places of its shelves."""
    name = f"{plan.hub}-counter"
    if LockerBank.objects.filter(external_id=name).exists():
        return
    counter = add_bank(
        draft=BankDraft(
            name=plan.counter,
            hub=hub,
            point=hub.point,
            zone=hub.zone,
            country=region_of(hub.zone),
            kind=BankKind.COUNTER,
            external_id=name,
            address=hub.address,
            hours="Mo-Su 09:00-20:00",
        )
    )
    drafts = [
        CompartmentDraft(
            number=f"{'ABCD'[n // 6]}{n % 6 + 1}",
            inside=_SHELF,
            size_class="L",
            side="ABCD"[n // 6],
            low=n % 6 >= 4,
        )
        for n in range(SHELVES)
    ]
    add_compartments(bank=counter, drafts=drafts)

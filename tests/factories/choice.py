"""Factories of delivery sessions near the default hub."""

from __future__ import annotations

import datetime as dt
from typing import Any

from lastmile.core import clock
from portal.choice.models import Caller, DeliverySession
from tests.factories.fleet import LAT, LON, make_hub
from tests.factories.orders import DAY


def make_session(**fields: Any) -> DeliverySession:
    """Store a session of a checkout key for one parcel of 2 kg, without offers."""
    values: dict[str, Any] = {
        "caller": Caller.CHECKOUT,
        "principal": "key_00000000000000000001",
        "place_text": "Rua Augusta 12, Lisboa",
        "place": {"city": "Lisboa"},
        "lat": LAT + 0.0012345,
        "lon": LON - 0.0023456,
        "weight_g": 2_000,
        "volume_cm3": 8_000,
        "parcel_count": 1,
        "service_s": 180,
        "currency": "EUR",
        "since": DAY,
        "until": DAY,
        "expires_at": clock.now() + dt.timedelta(hours=24),
    } | fields
    if "hub" not in values:
        values["hub"] = make_hub()
    return DeliverySession.objects.create(**values)

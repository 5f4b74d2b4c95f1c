"""The stage of the campaigns of messages: a retailer that sends through the fake Twilio."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.bench.installation import ROOT, Installation, running_installation
from tests.fake_twilio import ACCOUNT_SID, API_KEY, API_SECRET, AUTH_TOKEN, SENDER, FakeTwilio

SCHEMA = "t_told"
Json = dict[str, Any]

_BEGIN = """
import datetime as dt, json, sys, time
from django.db import transaction
from dispatch.fleet import services as fleet
from dispatch.fleet.models import Hub
from dispatch.orders import services as orders
from dispatch.orders.drafts import OrderDraft, ParcelDraft, PlaceDraft, ShopperDraft, WindowDraft
from dispatch.orders.models import Order
from lastmile.core import clock
from lastmile.core.tenancy import retailer_context
from notifications.models import ChannelAccount, Message, ProviderCall
from notifications.selectors.accounts import fingerprint
from notifications.services import opt_out
from tenants.people.models import PolicySection

def place(numbers, hub, minutes):
    now = clock.now()
    drafts = [OrderDraft(
        external_id=f"M{n:06d}", hub=hub, service_date=clock.local_date(now, "UTC"),
        shopper=ShopperDraft(name=f"Shopper {n}", phone=f"+3519{20_000_000 + n}"),
        place=PlaceDraft(text=f"Rua {n}", lat=38.72 - n % 150 * 1e-5, lon=-9.14 - n // 150 * 1e-5),
        parcels=(ParcelDraft(weight_g=1000, volume_cm3=1000),),
        window=WindowDraft(
            opens_at=now - dt.timedelta(hours=1), closes_at=now + dt.timedelta(minutes=minutes)),
    ) for n in numbers]
    placed = orders.place_orders(drafts, source="proof")
    pks = [one.order.pk for one in placed]
    orders.mark_planned(orders=pks, plan="pln_proof")
    orders.mark_loaded(orders=pks)
    return pks

def place_on(day, count, hub):
    opens_at = dt.datetime.combine(day, dt.time(9), dt.UTC)
    orders.place_orders([OrderDraft(
        external_id=f"P{n:06d}", hub=hub, service_date=day,
        shopper=ShopperDraft(name=f"Planned {n}"),
        place=PlaceDraft(text=f"Praça {n}", lat=38.72 - n * 1e-4, lon=-9.14 - n % 20 * 1e-4),
        parcels=(ParcelDraft(weight_g=1000, volume_cm3=1000),),
        window=WindowDraft(opens_at=opens_at, closes_at=opens_at + dt.timedelta(hours=8)),
    ) for n in range(count)], source="proof")

def fleet_hub(public_id):
    return Hub.objects.get(public_id=public_id)

def switch_on(per_s):
    ChannelAccount.objects.create(
        channel="sms", kind="twilio", source="own", per_s=per_s, is_on=True,
        on_at_machine=fingerprint(), settings=@settings, secrets=@secrets)
    PolicySection.objects.update_or_create(section="notifications", defaults={"values": {
        "quiet_from_minute": 0, "quiet_until_minute": 0, "segments_day": 10_000_000,
        "foreign_segments_day": 1_000_000}})

def make_hub():
    return fleet.add_hub(name="Told", zone="UTC", lat=38.72, lon=-9.14).public_id
""".replace(
    "@settings",
    repr({"account_sid": ACCOUNT_SID, "api_key": API_KEY, "service": "", "sender": SENDER}),
).replace("@secrets", repr({"api_secret": API_SECRET, "auth_token": AUTH_TOKEN}))


def script(body: str) -> str:
    """Return a script for the shell, run in the retailer's context."""
    inside = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"{_BEGIN}\nwith retailer_context({SCHEMA!r}):\n{inside}\n"


def tell(installation: Installation, body: str) -> Json:
    """Run a script in the retailer's context; return the JSON of its last line."""
    lines = installation.command("shell", script=script(body)).strip().splitlines()
    answer: Json = json.loads(lines[-1])
    return answer


def start(installation: Installation, body: str) -> subprocess.Popen[str]:
    """Start a script in the retailer's context; its caller reads what it prints."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "shell"], env=installation.environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(script(body))
    process.stdin.close()
    return process


@contextmanager
def told_installation(fake: FakeTwilio, **environment: str) -> Iterator[Installation]:
    """Start an installation whose Twilio is the fake, with one retailer."""
    own = {"TWILIO_API_BASE": fake.base_url} | environment
    with running_installation(None, **own) as installation:
        installation.open(SCHEMA, "UTC")
        fake.callback_port = installation.port
        yield installation

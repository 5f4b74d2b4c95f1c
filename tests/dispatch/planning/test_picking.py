"""Picking waves: goods are ready before their vans load; pickers and lanes limit the waves."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client

from dispatch.planning.selectors.picking import Pickers, picking_of
from dispatch.planning.services import publish_plan
from lastmile.core.tenancy import RetailerRef
from tenants.permissions import Role
from tests.dispatch.conftest import SetClock
from tests.dispatch.planning.test_plans import day_of, plan
from tests.people import add_member, key_client, logged_in

pytestmark = pytest.mark.usefixtures("clock")


def test_every_route_is_picked_once_and_ready_when_its_van_loads(retailer: RetailerRef) -> None:
    draft = plan(day_of(24, shifts=4))
    picking = picking_of(draft, Pickers(pickers=3))
    picked = [it.route.public_id for wave in picking.waves for it in wave.routes]
    assert sorted(picked) == sorted(draft.routes.values_list("public_id", flat=True))
    assert picking.late == 0
    assert sum(wave.orders for wave in picking.waves) == 24
    assert sum(wave.parcels for wave in picking.waves) == sum(r.parcels for r in draft.routes.all())
    ends = draft.origin_at - dt.timedelta(days=1)
    for wave in picking.waves:
        assert ends <= wave.starts_at < wave.ends_at
        assert all(wave.ends_at <= it.due_at for it in wave.routes)
        ends = wave.ends_at


def test_a_wave_lasts_as_long_as_its_pickers_need(retailer: RetailerRef) -> None:
    draft = plan(day_of(12, shifts=1))
    (route,) = draft.routes.all()
    for pickers in (1, 3):
        team = Pickers(pickers=pickers, setup_s=100, order_s=10, parcel_s=30)
        (wave,) = picking_of(draft, team).waves
        work = 12 * 10 + route.parcels * 30
        lasts = (wave.ends_at - wave.starts_at).total_seconds()
        assert lasts == 100 + -(-work // pickers)
        assert wave.ends_at == route.starts_at


def test_a_late_start_of_picking_shows_how_late_the_goods_are(
    retailer: RetailerRef, clock: SetClock
) -> None:
    draft = plan(day_of(16, shifts=2))
    first = min(draft.routes.values_list("starts_at", flat=True))
    clock(first - dt.timedelta(minutes=1))
    picking = picking_of(draft, Pickers(pickers=1, lanes=1))
    assert picking.late == draft.routes.count()
    assert picking.waves[0].starts_at >= first - dt.timedelta(minutes=1)
    for wave in picking.waves:
        for it in wave.routes:
            assert it.late_s == (wave.ends_at - it.due_at).total_seconds()


def test_waves_are_in_the_api_and_on_the_printed_sheet(retailer: RetailerRef) -> None:
    draft = publish_plan(plan=plan(day_of(10, shifts=2)))
    api = key_client(retailer)
    where = f"/api/v1/plans/{draft.public_id}/waves/"
    payload = api.get(f"{where}?pickers=2&most=1").json()
    assert len(payload["waves"]) == draft.routes.count()
    assert all(len(wave["routes"]) == 1 for wave in payload["waves"])
    assert payload == api.get(f"{where}?pickers=2&most=1").json()
    for wrong in ("pickers=0", "pickers=many", "lanes=-1", "most=9999", "setup_s=1.5"):
        refused = api.get(f"{where}?{wrong}")
        assert refused.status_code == 422, wrong
    desk: Client = logged_in(retailer, add_member(Role.PICKER))
    sheet = desk.get(f"/console/plans/{draft.public_id}/waves/?pickers=2&lanes=")
    assert sheet.status_code == 200
    html = sheet.content.decode()
    for route in draft.routes.select_related("vehicle"):
        assert route.vehicle.name in html
    assert desk.get(f"/console/plans/{draft.public_id}/waves/?pickers=x").status_code == 422


def test_a_plan_without_routes_has_nothing_to_pick(retailer: RetailerRef) -> None:
    draft = plan(day_of(2, shifts=1))
    draft.routes.all().delete()
    assert picking_of(draft, Pickers()).waves == ()

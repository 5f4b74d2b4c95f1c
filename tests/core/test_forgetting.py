"""Old data is deleted in each retailer; recent data stays."""

from __future__ import annotations

import datetime as dt
import io
import json

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.functions import Now

from dispatch.intake.models import ImportBatch, RefusedRow
from lastmile.core.clock import now
from lastmile.core.codes import make_code
from lastmile.core.models import ShortCode
from lastmile.core.tasks import forget_everywhere
from lastmile.core.tenancy import RetailerRef, retailer_context
from lastmile.schedule import SCHEDULE
from tenants.people.models import AuditEntry
from tenants.people.services.sections import set_section
from tenants.retention import Retention
from tenants.sections import section_of

DAYS = dt.timedelta(days=1)


def old_things() -> None:
    """Add one old and one recent row of each kind."""
    for name, age in (("old", 91), ("young", 89)):
        batch = ImportBatch.objects.create(
            filename="x.csv", sha256="", size_bytes=1, actor="system", language="en",
            state="done", finished_at=now(), refused_count=1, created_at=now() - age * DAYS,
        )  # fmt: skip
        RefusedRow.objects.create(
            batch=batch, number=1, cells=[name, ""],
            faults=[{"column": "name", "code": "long", "params": {"raw": name, "most": 3}}],
        )  # fmt: skip
    for name, age in (("old", 732), ("young", 700)):
        AuditEntry.objects.create(
            actor="system", act="x.y", subject=name, at=now() - age * DAYS, changes={}
        )
    make_code(purpose="x", subject="old")
    ShortCode.objects.update(expires_at=Now(), window_ends_at=Now())
    make_code(purpose="x", subject="young")


def remaining_rows() -> tuple[object, ...]:
    return (
        [row.cells for row in RefusedRow.objects.order_by("pk")],
        set(AuditEntry.objects.filter(act="x.y").values_list("subject", flat=True)),
        set(ShortCode.objects.values_list("subject", flat=True)),
    )


YOUNG = ([["[erased]", ""], ["young", ""]], {"young"}, {"young"})
ALL = ([["old", ""], ["young", ""]], {"old", "young"}, {"old", "young"})


def test_old_data_is_deleted_in_one_retailer_only(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    old_things()
    with retailer_context(other):
        old_things()
    out = io.StringIO()
    call_command("forget", "--schema", "t1", "--json", stdout=out)
    done = json.loads(out.getvalue())["forgotten"]["t1"]
    assert (done["refused_rows"], done["audit"], done["codes"]) == (1, 1, 1)
    assert remaining_rows() == YOUNG
    row = RefusedRow.objects.order_by("pk")[0]
    assert row.faults == [
        {"column": "name", "code": "long", "params": {"raw": "[erased]", "most": "[erased]"}}
    ]
    with retailer_context(other):
        assert remaining_rows() == ALL
    call_command("forget", "--all", stdout=io.StringIO())
    with retailer_context(other):
        assert remaining_rows() == YOUNG
    out = io.StringIO()
    call_command("forget", "--all", stdout=out)
    assert "t1: nothing" in out.getvalue()


def test_a_retailer_sets_how_long_data_is_kept(retailer: RetailerRef, other: RetailerRef) -> None:
    old_things()
    policy = Retention(refused_rows_days=400, audit_days=690)
    set_section(section=section_of(Retention), policy=policy)
    call_command("forget", "--schema", "t1", stdout=io.StringIO())
    rows, audits, _codes = remaining_rows()
    assert rows == ALL[0]
    assert audits == set()
    with retailer_context(other):
        old_things()
    call_command("forget", "--schema", "t2", stdout=io.StringIO())
    with retailer_context(other):
        assert remaining_rows() == YOUNG


@pytest.mark.usefixtures("db")
def test_beat_deletes_old_data_of_every_retailer_once_a_day() -> None:
    entry = SCHEDULE["forget"]
    assert (entry.task, entry.every_s) == (forget_everywhere.name, 86_400)
    for schema in ("t1", "t2"):
        with retailer_context(schema):
            old_things()
    forget_everywhere()
    for schema in ("t1", "t2"):
        with retailer_context(schema):
            assert remaining_rows() == YOUNG
    assert connection.is_usable()

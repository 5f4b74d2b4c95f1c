"""A hostile sweep's stage: two retailers with one of everything, and what must not move."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test import Client

from dispatch.fleet.models import Driver, Hub, Vehicle, Zone
from dispatch.orders.models import Order, Place, Shopper
from lastmile.core.checks import views
from lastmile.core.ids import new_public_id
from lastmile.core.tenancy import retailer_context
from tenants.permissions import Role
from tests.architecture.world import make_world
from tests.hostile import UNSAFE, Known, Probe
from tests.people import PASSWORD, add_member, logged_in

CANARY = "Canary-of-the-other-retailer"
USED_KEY = "a-key-that-the-other-used"
# Books about callers themselves, which refusals may write to as well.
OWN_BOOKS = {"core_idempotencyrecord", "people_session", "people_loginattempt"}


@dataclass(slots=True)
class Sweep:
    """Sends probes as an owner of t1 and watches t1 and t2."""

    browser: Client
    document: Any
    known: Known
    hub: str
    owner: str
    their_browser: Client
    theirs: str = ""
    ours: str = ""
    sent: int = 0
    canary: str = CANARY
    statuses: dict[int, int] = field(default_factory=dict)

    def send(self, probe: Probe) -> int:
        """Send one and judge the answer. Raises AssertionError naming the probe."""
        answer = self.browser.generic(
            probe.method.upper(), probe.path, probe.body, probe.content_type,
            headers=dict(probe.headers),
        )  # fmt: skip
        status: int = answer.status_code
        content = b"".join(answer) if answer.streaming else answer.content
        assert status < 500, f"{status} to {probe}: {content[:500]!r}"
        assert CANARY.encode() not in content, f"{probe} shows what is another's"
        if status >= 400 and probe.path.startswith("/api/"):
            self._is_problem(probe, answer, content)
        if probe.method in UNSAFE:
            after = self.standing("t1")
            assert status < 400 or after == self.ours, f"{status} to {probe} changed something"
            self.ours = after
        if status in {302, 401} and not self._still_in():
            self._enter()
        self.sent += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1
        return status

    def _is_problem(self, probe: Probe, answer: Any, content: bytes) -> None:
        assert answer["Content-Type"].startswith("application/problem+json"), (
            f"{probe}: {content!r}"
        )
        said = json.loads(content)
        assert said["detail"], probe
        assert said["code"], probe

    def end(self) -> None:
        """Hold that nothing of the other retailer moved."""
        assert self.standing("t2") == self.theirs

    def _still_in(self) -> bool:
        return bool(self.browser.get("/api/v1/me/").status_code == 200)

    def _enter(self) -> None:
        """Log in again: a probe logged us out, as it may."""
        self.browser.cookies.clear()
        self.browser.post("/login/", {"email": self.owner, "password": PASSWORD})
        assert self._still_in(), "a probe took the owner's way in"
        self.ours = self.standing("t1")

    def inputs(self, where: str) -> list[str]:
        """Return the names of the inputs that a page shows."""
        answer = self.browser.get(where)
        return re.findall(r'name="(\w+)"', b"".join(answer).decode("utf-8", "replace"))

    def foreign_page(self) -> str:
        """Return what the other retailer's own owner sees of the canary."""
        return str(self.their_browser.get("/api/v1/hubs/").content)

    def standing(self, schema: str) -> str:
        """Return a fingerprint of every row of a retailer, callers' own books left out."""
        with retailer_context(schema), connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema]
            )
            tables = [row[0] for row in cursor.fetchall() if row[0] not in OWN_BOOKS]
            cursor.execute(
                "SELECT md5(string_agg(h, ',')) FROM ("
                + " UNION ALL ".join(
                    f"SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') h"
                    f' FROM "{table}" t'
                    for table in tables
                )
                + ") x"
            )
            return str(cursor.fetchone()[0])


def make_sweep() -> Sweep:
    """Make the same world in t1 and t2, mark t2's, and let an owner in at each."""
    browsers, ids, owners = {}, {}, {}
    for schema in ("t1", "t2"):
        with retailer_context(schema) as ref:
            make_world()
            owner = add_member(Role.OWNER)
            browsers[schema], owners[schema] = logged_in(ref, owner), owner.email
            if schema == "t2":
                _mark()
        ids[schema] = _ids(browsers[schema])
    told = browsers["t2"].post(
        "/api/v1/drivers/", {"name": "Theirs", "hub": _hub(ids["t2"])},
        content_type="application/json", headers={"idempotency-key": USED_KEY},
    )  # fmt: skip
    assert told.status_code == 201, told.content
    document = browsers["t1"].get("/api/v1/schema/", headers={"accept": "application/json"}).json()
    known = Known(
        own=ids["t1"],
        foreign=[*ids["t2"], *(new_public_id(i.partition("_")[0]) for i in ids["t2"])],
        used_key=USED_KEY,
    )
    sweep = Sweep(browsers["t1"], document, known, _hub(ids["t1"]), owners["t1"], browsers["t2"])
    sweep.ours, sweep.theirs = sweep.standing("t1"), sweep.standing("t2")
    return sweep


def _mark() -> None:
    """Write the canary wherever a name stands."""
    for model in (Hub, Driver, Vehicle, Zone):
        for row in model.objects.all():  # type: ignore[attr-defined]
            row.name = f"{CANARY} {row.pk}"
            row.save(update_fields=["name"])
    Shopper.objects.update(name=CANARY)
    Place.objects.update(text=CANARY)
    Order.objects.update(notes=CANARY)


def _ids(browser: Client) -> list[str]:
    """Return the ids of everything that the lists of the API show."""
    found = []
    for where, view in views("lastmile.urls"):
        if where.startswith("/api/v1/") and "<" not in where and "get" in _acts(view):
            answer = browser.get(where)
            if answer["Content-Type"] == "application/json":
                shown = answer.json()
                items = shown.get("items", []) if isinstance(shown, dict) else []
                found += [item["id"] for item in items if "id" in item][:3]
    return sorted(set(found))


def _acts(view: Any) -> Any:
    return getattr(getattr(view, "cls", None), "acts", {})


def _hub(ids: list[str]) -> str:
    return next(i for i in ids if i.startswith("hub_"))


def pages() -> list[str]:
    """Return the addresses of every page on a retailer's host."""
    return [
        where
        for where, _view in views("lastmile.urls")
        if not where.startswith("/api/") and where != "/logout/"
    ]

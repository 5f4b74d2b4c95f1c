"""The setting of the hostile tests: two retailers with one of everything, and their contents."""

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
from tests.hostile import UNSAFE, KnownIds, Probe
from tests.people import PASSWORD, add_member, logged_in

CANARY = "Canary-of-the-other-retailer"
USED_KEY = "a-key-that-the-other-used"
# Tables about the callers themselves: a refused call may write to them.
OWN_BOOKS = {
    *("core_idempotencyrecord", "core_callcount"),
    *("people_session", "people_loginattempt"),
}


@dataclass(slots=True)
class Sweep:
    """Sends probes as an owner of t1, and checks that t1 and t2 do not change."""

    browser: Client
    document: Any
    ids: KnownIds
    hub: str
    owner: str
    their_browser: Client
    other_before: dict[str, str] = field(default_factory=dict)
    own_before: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    canary: str = CANARY
    statuses: dict[int, int] = field(default_factory=dict)

    def send(self, probe: Probe) -> int:
        """Send a probe and check the answer. Raises AssertionError with the probe."""
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
            after = self.fingerprint("t1")
            changed = [name for name in after if after[name] != self.own_before.get(name)]
            assert status < 400 or not changed, f"{status} to {probe} changed {changed}"
            self.own_before = after
        if status in {302, 401} and not self._still_in():
            self._enter()
        self.sent += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1
        return status

    def _is_problem(self, probe: Probe, answer: Any, content: bytes) -> None:
        assert answer["Content-Type"].startswith("application/problem+json"), (
            f"{probe}: {content!r}"
        )
        problem = json.loads(content)
        assert problem["detail"], probe
        assert problem["code"], probe

    def end(self) -> None:
        """Check that no row of the other retailer changed."""
        assert self.fingerprint("t2") == self.other_before

    def _still_in(self) -> bool:
        return bool(self.browser.get("/api/v1/me/").status_code == 200)

    def _enter(self) -> None:
        """Sign in again: a probe may sign the owner out."""
        self.browser.cookies.clear()
        self.browser.post("/login/", {"email": self.owner, "password": PASSWORD})
        assert self._still_in(), "after a probe the owner can no longer sign in"
        self.own_before = self.fingerprint("t1")

    def inputs(self, where: str) -> list[str]:
        """Return the names of the inputs that a page shows."""
        answer = self.browser.get(where)
        return re.findall(r'name="(\w+)"', b"".join(answer).decode("utf-8", "replace"))

    def foreign_page(self) -> str:
        """Return the page in which the other retailer's own owner sees the canary."""
        return str(self.their_browser.get("/api/v1/hubs/").content)

    def fingerprint(self, schema: str) -> dict[str, str]:
        """Return a hash of the rows of each table of a retailer, without those about callers."""
        with retailer_context(schema), connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", [schema]
            )
            tables = [row[0] for row in cursor.fetchall() if row[0] not in OWN_BOOKS]
            rows = "coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '')"
            cursor.execute(
                " UNION ALL ".join(
                    f"SELECT '{table}', {rows} FROM \"{table}\" t" for table in tables
                )
            )
            return dict(cursor.fetchall())


def make_sweep() -> Sweep:
    """Make the same world in t1 and t2, mark t2's rows, and sign an owner in at each."""
    browsers, ids, owners = {}, {}, {}
    for schema in ("t1", "t2"):
        with retailer_context(schema) as ref:
            make_world()
            owner = add_member(Role.OWNER)
            browsers[schema], owners[schema] = logged_in(ref, owner), owner.email
            if schema == "t2":
                _mark()
        ids[schema] = _ids(browsers[schema])
    response = browsers["t2"].post(
        "/api/v1/drivers/", {"name": "Theirs", "hub": _hub(ids["t2"])},
        content_type="application/json", headers={"idempotency-key": USED_KEY},
    )  # fmt: skip
    assert response.status_code == 201, response.content
    document = browsers["t1"].get("/api/v1/schema/", headers={"accept": "application/json"}).json()
    ids_to_try = KnownIds(
        own=ids["t1"],
        foreign=[*ids["t2"], *(new_public_id(i.partition("_")[0]) for i in ids["t2"])],
        used_key=USED_KEY,
    )
    sweep = Sweep(
        browsers["t1"], document, ids_to_try, _hub(ids["t1"]), owners["t1"], browsers["t2"]
    )
    sweep.own_before, sweep.other_before = sweep.fingerprint("t1"), sweep.fingerprint("t2")
    return sweep


def _mark() -> None:
    """Write the canary into every name and free text."""
    for model in (Hub, Driver, Vehicle, Zone):
        for row in model.objects.all():  # type: ignore[attr-defined]
            row.name = f"{CANARY} {row.pk}"
            row.save(update_fields=["name"])
    Shopper.objects.update(name=CANARY)
    Place.objects.update(text=CANARY)
    Order.objects.update(notes=CANARY)


def _ids(browser: Client) -> list[str]:
    """Return up to three ids of every list of the API."""
    public_ids = []
    for where, view in views("lastmile.urls"):
        if where.startswith("/api/v1/") and "<" not in where and "get" in _acts(view):
            answer = browser.get(where)
            if answer["Content-Type"] == "application/json":
                page = answer.json()
                items = page.get("items", []) if isinstance(page, dict) else []
                public_ids += [item["id"] for item in items if "id" in item][:3]
    return sorted(set(public_ids))


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

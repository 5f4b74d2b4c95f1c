"""The secrets of shoppers' links: guessed, leaked, compared by time; the code guessed and skipped.

``run`` is the campaign at length. Its parts take their sizes as arguments; test_secrets.py runs
small ones in every test run.
"""

from __future__ import annotations

import base64
import http.client
import io
import logging
import random
import re
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.test import Client, override_settings

from dispatch.orders.links import NAME, ShopperLink, shopper_secret
from dispatch.orders.models import Order
from lastmile.asgi import application
from lastmile.core import clock, derived
from lastmile.core.logs import RedactingFormatter
from lastmile.core.models import Event, ShortCode
from lastmile.core.tenancy import RetailerRef, retailer_context, shared_context
from portal.shopper import services
from tenants.models import Retailer
from tests.bench.database import bench_database
from tests.bench.secrets_browser import referrers
from tests.core.serving import served
from tests.databases import client_of
from tests.factories.fleet import make_hub
from tests.factories.orders import make_orders
from tests.portal.shopper.codes import let_codes_be_sent, newest_code

LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
LINKS = 500
GUESSES = 1_000_000
CALLS = 5_000
PAIRS = 2_000
AT_ONCE = 40
# The limits of changes by link and by address stand in front of the codes. They are lifted, so that
# the codes' own counts have to hold.
SETTINGS = {
    "ROOT_URLCONF": "tests.portal.shopper.shopper_app",
    "LIMIT_SHOPPER_LINK_PER_MINUTE": 1_000_000,
    "LIMIT_SHOPPER_ADDRESS_PER_MINUTE": 1_000_000,
}
#: The chance that a random time of one kind is longer than one of another kind is 0.5 if the kinds
#: do not differ. With PAIRS times of each kind, its standard deviation is 0.009.
MOST_APART = 0.05
HEADERS = {
    "cache-control": "private, no-store",
    "referrer-policy": "same-origin",
    "x-robots-tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The links of one retailer under attack, and secrets that must not work there."""

    retailer: RetailerRef
    orders: Sequence[Order]
    valid: frozenset[str]
    ended: tuple[str, ...]
    expired: tuple[str, ...]
    foreign: tuple[str, ...]


def run() -> str:
    """Attack the links and the code at length. Raises when a secret leaked or was accepted."""
    with bench_database(), override_settings(**SETTINGS):
        links = make_links(LINKS)
        with retailer_context(links.retailer):
            rate = guess_in_threads(links, GUESSES, threads=2)
            with logged() as lines, served(application, access_log=True) as port:
                statuses = guess_by_http(links, port, CALLS)
                use_links(links, port, sorted(links.valid)[:50])
                path = f"/t/{min(links.valid)}/"
                outside = referrers(links.retailer.domain, port, path)
            with served(application) as port:
                apart, medians = compare_times(links, port, PAIRS)
            shown = leaks(links, lines.getvalue())
            accepted, tried = guess_codes(links.retailer, links.orders[:20], AT_ONCE)
            forged = forge_confirmations(links.retailer, shopper_secret(links.orders[20]), 1_000)
        connections.close_all()
    assert outside is None or (outside and not any("/t/" in request for request in outside)), (
        outside
    )
    assert max(abs(chance - 0.5) for chance in apart.values()) <= MOST_APART, apart
    times = ", ".join(f"{kind} {median:.2f} ms" for kind, median in medians.items())
    chances = ", ".join(f"{pair} {chance:.3f}" for pair, chance in apart.items())
    return (
        f"{GUESSES:,} guesses against {len(links.valid):,} links: 0 hits ({rate:,.0f}/s); "
        f"{sum(statuses.values()):,} over HTTP: {statuses[404]:,} x 404, one body; refusals take "
        f"{times}; one takes longer than another with a chance of {chances} (0.5: no "
        f"difference); {shown:,} lines of log, error pages and {len(outside or []):,} requests of "
        f"Chromium to another site: no secret; {tried:,} codes tried on 20 orders, {AT_ONCE} at "
        f"once: {accepted} accepted, 15 an hour and order counted; 1,000 forged confirmations: "
        f"{forged} accepted"
    )


def make_links(count: int) -> Links:
    """Make links in t1: valid, ended and expired ones; and valid links of t2."""
    with shared_context():
        Retailer.objects.filter(schema_name="t1").update(is_demo=True)
    with retailer_context("t2"):
        make_hub()
        foreign = tuple(shopper_secret(order) for order in make_orders(count // 10))
    with retailer_context("t1") as ref:
        let_codes_be_sent()
        make_hub()
        orders = make_orders(count)
        ended = tuple(shopper_secret(order) for order in orders[: count // 10])
        for order in orders[: count // 10]:
            derived.renew(purpose=NAME, subject=order.public_id)
        old = make_orders(count // 10)
        expired = tuple(shopper_secret(order) for order in old)
        for order in old:
            derived.set_expiry(purpose=NAME, subject=order.public_id, expires_at=clock.now())
        valid = frozenset(shopper_secret(order) for order in orders)
    return Links(
        retailer=ref, orders=orders, valid=valid, ended=ended, expired=expired, foreign=foreign
    )


def guesses(links: Links, count: int, seed: int) -> Iterator[str]:
    """Yield wrong secrets: random, one letter off, cut, ended, expired, of another retailer."""
    draw = random.Random(seed)
    near = sorted(links.valid)
    dead = (*links.ended, *links.expired, *links.foreign)
    for number in range(count):
        kind = number % 10
        if kind == 0:
            guess = draw.choice(dead)
        elif kind == 1:
            secret, at = draw.choice(near), draw.randrange(32)
            letter = draw.choice(LETTERS.replace(secret[at], ""))
            guess = secret[:at] + letter + secret[at + 1 :]
        elif kind == 2:
            guess = draw.choice((draw.choice(near)[:-1], draw.choice(near).upper(), "a" * 32))
        else:
            guess = base64.b32encode(draw.randbytes(20)).decode().lower()
        yield guess


def guess_in_threads(links: Links, count: int, *, threads: int) -> float:
    """Guess against the look-up of links; return guesses a second. Raises if one hits."""
    hits: list[str] = []

    def guess(seed: int) -> None:
        try:
            with retailer_context(links.retailer):
                hits.extend(look_up(links, count // threads, seed))
        finally:
            connections.close_all()

    began = time.monotonic()
    workers = [threading.Thread(target=guess, args=(seed,)) for seed in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert hits == []
    return count / (time.monotonic() - began)


def look_up(links: Links, count: int, seed: int) -> list[str]:
    """Return the guesses that the look-up recognised, which should be none."""
    credential = ShopperLink()
    return [g for g in guesses(links, count, seed) if credential.recognise_link(g) is not None]


def guess_by_http(links: Links, port: int, count: int) -> Counter[int]:
    """Guess over HTTP; return the statuses. Raises if an answer differs from the others."""
    statuses: Counter[int] = Counter()
    bodies: set[bytes] = set()
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for number, guess in enumerate(guesses(links, count, seed=7)):
        tail = ("", "confirm/", "elsewhere/")[number % 3]
        headers = {"Host": links.retailer.domain, "Referer": f"http://x.example/t/{guess}/"}
        line.request("GET", f"/t/{guess}/{tail}", headers=headers)
        answer = line.getresponse()
        bodies.add(answer.read())
        statuses[answer.status] += 1
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    line.close()
    assert set(statuses) == {404}
    assert len(bodies) == 1
    return statuses


def compare_times(links: Links, port: int, count: int) -> tuple[dict[str, float], dict[str, float]]:
    """Time refusals of each kind, in turn.

    Return, for each pair of kinds, the chance that the second takes longer than the first; and the
    median of each kind in milliseconds.
    """
    draw = random.Random(11)
    kinds: dict[str, Callable[[], str]] = {
        "unknown": lambda: base64.b32encode(draw.randbytes(20)).decode().lower(),
        "expired": lambda: draw.choice(links.expired),
        "ended": lambda: draw.choice(links.ended),
        "foreign": lambda: draw.choice(links.foreign),
    }
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for _round in range(count):
        for kind in draw.sample(sorted(kinds), len(kinds)):
            path = f"/t/{kinds[kind]()}/"
            began = time.perf_counter()
            line.request("GET", path, headers={"Host": links.retailer.domain})
            line.getresponse().read()
            taken[kind].append((time.perf_counter() - began) * 1000)
    line.close()
    apart = {
        f"{one}/{other}": chance_longer(taken[one], taken[other])
        for one, other in (("unknown", "expired"), ("unknown", "ended"), ("unknown", "foreign"))
    }
    return apart, {kind: statistics.median(times) for kind, times in taken.items()}


def chance_longer(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the chance that a value of ``other`` is greater than one of ``one``.

    It is the statistic of Mann and Whitney, divided by the number of pairs. Equal values count a
    half.
    """
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    wins, below, at = 0.0, 0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        tied = [kind for _value, kind in ranked[at:end]]
        ones, others = tied.count(0), tied.count(1)
        wins += others * (below + ones / 2)
        below += ones
        at = end
    return wins / (len(one) * len(other))


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Collect every log line as the settings format it, from all levels up."""
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(RedactingFormatter("%(levelname)s %(name)s %(message)s"))
    names = ("", "django", "django.request", "lastmile", "uvicorn", "uvicorn.access")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.level, logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.INFO)
        logger.handlers, logger.propagate = [handler], False
    try:
        yield lines
    finally:
        for logger, (level, handlers, propagate) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.handlers, logger.propagate = handlers, propagate


def use_links(links: Links, port: int, secrets: Sequence[str]) -> None:
    """Open pages with valid secrets that succeed, fail, and break; no error tells the secret."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    calls = (("GET", "", 200), ("GET", "file", 200), ("POST", "", 403), ("GET", "x/", 404))
    for secret in secrets:
        for method, tail, expected in (*calls, ("GET", "boom/", 500)):
            line.request(method, f"/t/{secret}/{tail}", headers={"Host": links.retailer.domain})
            answer = line.getresponse()
            body = answer.read().decode()
            assert answer.status == expected, (tail, answer.status)
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
            assert answer.status == 200 or secret not in body, "an error page has the secret"
    line.close()


def leaks(links: Links, text: str) -> int:
    """Check that no secret is in a log or in a stored row; return the number of lines."""
    secrets = links.valid | set(links.ended) | set(links.expired)
    for line in text.splitlines():
        for word in re.findall(r"[a-z2-7]{32}", line):
            assert word not in secrets, "a secret is in the log"
    rows = [str(row) for row in Event.objects.values_list("subject", "data", "actor")]
    rows += [str(row) for row in derived.DerivedSecret.objects.values_list()]
    for row in rows:
        for word in re.findall(r"[a-z2-7]{32}", row):
            assert word not in secrets, "a secret is in a row"
    return len(text.splitlines())


def guess_codes(ref: RetailerRef, orders: Sequence[Order], at_once: int) -> tuple[int, int]:
    """Guess codes of orders, many at once, until no code is sent; return accepted and tried."""
    accepted: list[str] = []
    tried: list[int] = []
    for order in orders:
        secret = shopper_secret(order)
        path = f"/t/{secret}/confirm/?next=elsewhere/"
        while client_of(ref).post(path, {"what": "send"}).status_code == 303:
            right = newest_code(order)
            wrong = [f"{(int(right) + 1 + n) % 1_000_000:06d}" for n in range(at_once)]
            _all_at_once(ref, path, wrong, accepted, tried)
            row = ShortCode.objects.get(purpose=services.PURPOSE, subject=order.public_id)
            assert row.tries == row.most_tries == 5
            late = client_of(ref).post(path, {"code": right})
            assert late.status_code == 409, "a locked code was accepted"
        row = ShortCode.objects.get(purpose=services.PURPOSE, subject=order.public_id)
        assert row.codes_made == 3
    assert not Event.objects.filter(kind="order.step_up_confirmed").exists()
    return len(accepted), len(tried)


def _all_at_once(
    ref: RetailerRef, path: str, codes: Sequence[str], accepted: list[str], tried: list[int]
) -> None:
    def guess(code: str) -> None:
        try:
            status = client_of(ref).post(path, {"code": code}).status_code
            tried.append(status)
            if status not in {409, 422}:
                accepted.append(code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=guess, args=(code,)) for code in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def forge_confirmations(ref: RetailerRef, secret: str, count: int) -> int:
    """Open a guarded page with forged confirmations; return how many were accepted."""
    draw = random.Random(5)
    accepted = 0
    for number in range(count):
        client = client_of(ref)
        client.cookies["step-up"] = _forged(draw, number)
        accepted += _opens(client, f"/t/{secret}/elsewhere/")
    return accepted


def _opens(client: Client, path: str) -> int:
    answer: Any = client.post(path)
    return int(answer.status_code != 303 or "/confirm/" not in answer.headers["Location"])


def _forged(draw: random.Random, number: int) -> str:
    until = int(clock.real_now().timestamp()) + 900
    body = base64.urlsafe_b64encode(
        f'{{"for":"{draw.randbytes(32).hex()}","until":{until}}}'.encode()
    )
    signature = base64.urlsafe_b64encode(draw.randbytes(32)).decode().rstrip("=")
    forms = (f"{body.decode().rstrip('=')}:1vM0aa:{signature}", "null", signature, "")
    return forms[number % len(forms)]

"""Derived secrets are reproducible, belong to one retailer and purpose, and can be ended."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import threading
from typing import Any

import pytest
from django.db import transaction

from lastmile.core import clock, derived
from lastmile.core.models import DerivedSecret
from lastmile.core.rotating import keys_in_use, rotate
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.core.conftest import Crew
from tests.core.vault import NEW, OLD

LINK = {"purpose": "shopper_link", "subject": "ord_1"}


def owner(secret: str, purpose: str = "shopper_link") -> str | None:
    return derived.subject_of(purpose=purpose, secret=secret)


def test_every_message_has_the_same_secret_of_160_bits(retailer: RetailerRef) -> None:
    secret = derived.secret_of(**LINK)
    assert derived.secret_of(**LINK) == secret
    assert re.fullmatch(r"[a-z2-7]{32}", secret)
    assert owner(secret) == "ord_1"
    (row,) = DerivedSecret.objects.all()
    assert row.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(row.__dict__)


def test_many_secrets_are_those_that_each_subject_gets_alone(retailer: RetailerRef) -> None:
    known = derived.secret_of(**LINK)
    ended = derived.secret_of(purpose="shopper_link", subject="ord_2")
    derived.end(purpose="shopper_link", subject="ord_2")
    over_at = clock.now()
    expiries = {"ord_1": None, "ord_2": None, "ord_3": over_at}
    many = derived.secrets_of(purpose="shopper_link", expiries=expiries)
    assert many["ord_1"] == known
    assert many["ord_2"] != ended
    assert many["ord_3"] == derived.secret_of(purpose="shopper_link", subject="ord_3")
    assert DerivedSecret.objects.get(subject="ord_3").expires_at == over_at
    assert {owner(many[subject]) for subject in ("ord_1", "ord_2")} == {"ord_1", "ord_2"}
    assert derived.secrets_of(purpose="shopper_link", expiries=expiries) == many


def test_no_two_retailers_purposes_or_subjects_share_one(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    secret = derived.secret_of(**LINK)
    secrets = {secret, derived.secret_of(purpose="shopper_link", subject="ord_2")}
    secrets.add(derived.secret_of(purpose="proof", subject="ord_1"))
    assert owner(secret, "proof") is None
    with retailer_context(other):
        secrets.add(derived.secret_of(**LINK))
        assert owner(secret) is None
    assert len(secrets) == 4


@pytest.mark.parametrize(
    "wrong", ["", "x", "a" * 32, "A" * 32, "ended:" + "0" * 58, "é" * 32, "\x00" * 32]
)
def test_a_wrong_secret_has_no_subject(retailer: RetailerRef, wrong: str) -> None:
    derived.secret_of(**LINK)
    assert owner(wrong) is None


def test_a_new_generation_ends_all_links_before_it(retailer: RetailerRef) -> None:
    first = derived.secret_of(**LINK)
    second = derived.renew(**LINK)
    assert owner(first) is None
    assert owner(second) == "ord_1"
    assert derived.secret_of(**LINK) == second
    assert DerivedSecret.objects.get().generation == 2


def test_an_ended_secret_never_works_again(retailer: RetailerRef) -> None:
    first = derived.secret_of(**LINK)
    derived.end(**LINK)
    assert owner(first) is None
    second = derived.secret_of(**LINK)
    assert second != first
    assert owner(second) == "ord_1"


def test_a_secret_expires(retailer: RetailerRef) -> None:
    secret = derived.secret_of(**LINK, expires_at=clock.now() + dt.timedelta(minutes=1))
    assert owner(secret) == "ord_1"
    derived.set_expiry(**LINK, expires_at=clock.now())
    assert owner(secret) is None
    derived.set_expiry(**LINK, expires_at=None)
    assert owner(secret) == "ord_1"


def test_changing_the_keys_changes_no_link(retailer: RetailerRef, settings: Any) -> None:
    settings.FIELD_KEYS = (OLD,)
    secret = derived.secret_of(**LINK)
    settings.FIELD_KEYS = (NEW, OLD)
    rotate()
    assert derived.secret_of(**LINK) == secret
    assert owner(secret) == "ord_1"
    assert sum(keys_in_use().values()) == 1  # the old key is still needed, and the result says so
    settings.FIELD_KEYS = (NEW,)
    assert owner(secret) == "ord_1"  # the hash still recognises it
    later = derived.secret_of(**LINK)  # it cannot be derived again, so a new generation is made
    assert later != secret
    assert owner(later) == "ord_1"


def test_two_first_messages_at_once_have_one_secret(shop: RetailerRef, crew: Crew) -> None:
    for _ in range(8):
        crew.start(lambda: derived.secret_of(**LINK))
    assert len(set(crew.join())) == 1
    assert DerivedSecret.objects.count() == 1
    DerivedSecret.objects.all().delete()


def test_concurrent_renewals_each_make_a_new_generation(shop: RetailerRef, crew: Crew) -> None:
    derived.secret_of(**LINK)
    for _ in range(8):
        crew.start(lambda: derived.renew(**LINK))
    secrets = crew.join()
    assert len(set(secrets)) == 8
    assert DerivedSecret.objects.get().generation == 9
    assert [secret for secret in secrets if owner(secret)] == [derived.secret_of(**LINK)]
    DerivedSecret.objects.all().delete()


def expired(subject: str, days: int, purpose: str = "shopper_link") -> str:
    before = clock.now() - dt.timedelta(days=days)
    return derived.secret_of(purpose=purpose, subject=subject, expires_at=before)


def test_a_secret_that_expired_long_ago_is_forgotten_and_the_others_stay(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    expired("ord_old", 91)
    expired("ord_young", 89)
    derived.secret_of(purpose="shopper_link", subject="ord_open")
    with retailer_context(other):
        expired("ord_old", 91)
    assert derived.forget_secrets() == {"secrets": 1}
    subjects = DerivedSecret.objects.exclude(subject="").values_list("subject", flat=True)
    assert set(subjects) == {"ord_young", "ord_open"}
    with retailer_context(other):
        assert DerivedSecret.objects.filter(subject="ord_old").exists()


def test_a_generation_is_never_used_twice_whoever_gets_it(retailer: RetailerRef) -> None:
    secrets = {expired("ord_1", 100)}
    for _time in range(4):
        secrets.add(derived.renew(**LINK))
    derived.end(**LINK)
    derived.set_expiry(**LINK, expires_at=clock.now() - dt.timedelta(days=100))
    expired("ord_2", 100)
    assert derived.forget_secrets() == {"secrets": 2}
    again = [derived.secret_of(**LINK), derived.secret_of(purpose="shopper_link", subject="ord_2")]
    assert not secrets & set(again)
    assert {owner(secret) for secret in secrets} == {None}
    assert [owner(secret) for secret in again] == ["ord_1", "ord_2"]
    other_purpose = derived.secret_of(purpose="proof", subject="ord_1")
    assert DerivedSecret.objects.get(purpose="proof").generation == 1
    assert owner(other_purpose, "proof") == "ord_1"
    derived.set_expiry(**LINK, expires_at=clock.now() - dt.timedelta(days=100))
    derived.forget_secrets()
    highest = derived.DerivedSecret.objects.get(purpose="shopper_link", subject="").generation
    derived.secret_of(**LINK)
    assert DerivedSecret.objects.get(**LINK).generation == highest + 1


def test_nothing_is_forgotten_while_a_secret_is_made(shop: RetailerRef, crew: Crew) -> None:
    expired("ord_old", 91)
    making, forgot = threading.Event(), threading.Event()

    def make() -> None:
        with transaction.atomic():
            derived.secret_of(purpose="shopper_link", subject="ord_new")
            making.set()
            assert forgot.wait(20)

    crew.start(make)
    assert making.wait(20)
    assert derived.forget_secrets() == {"secrets": 0}
    forgot.set()
    crew.join()
    assert derived.forget_secrets() == {"secrets": 1}
    DerivedSecret.objects.all().delete()


def test_secrets_made_and_forgotten_at_once_never_repeat(shop: RetailerRef, crew: Crew) -> None:
    secrets: set[str] = set()
    for _round in range(6):
        for _ in range(4):
            crew.start(expired, "ord_1", 91)
            crew.start(derived.forget_secrets)
        new_secrets = {secret for secret in crew.join() if isinstance(secret, str)}
        crew.results.clear()
        derived.forget_secrets()
        assert not DerivedSecret.objects.exclude(subject="").exists()
        assert not secrets & new_secrets
        secrets |= new_secrets
    DerivedSecret.objects.all().delete()

"""Short codes: each try is counted first, a code is used once, and a new code ends the old one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.db.models.functions import Now

from lastmile.core.codes import (
    CheckedCode,
    CodeEnded,
    CodeLocked,
    CodeRules,
    CodeWrong,
    TooManyCodes,
    check_code,
    end_code,
    make_code,
    redeem_code,
    use_code,
)
from lastmile.core.errors import DomainError
from lastmile.core.models import ShortCode
from lastmile.core.tenancy import RetailerRef, retailer_context
from tests.core.conftest import Crew
from tests.core.vault import NEW, OLD

STEP_UP = {"purpose": "confirm_address", "subject": "ord_1"}
GENEROUS = CodeRules(most_codes=100)


def other_than(code: str) -> str:
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


def test_the_right_code_works_once(retailer: RetailerRef) -> None:
    code = make_code(**STEP_UP)
    assert len(code) == 6
    assert code.isdigit()
    redeem_code(**STEP_UP, code=f" {code[:3]} {code[3:]}")
    with pytest.raises(CodeEnded):
        redeem_code(**STEP_UP, code=code)


def test_the_code_is_not_in_the_database_and_its_hash_is_the_retailers_own(
    retailer: RetailerRef, other: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lastmile.core.codes.secrets.choice", lambda _digits: "7")
    make_code(**STEP_UP)
    make_code(purpose="pickup", subject="ord_1")
    digests = set(ShortCode.objects.values_list("digest", flat=True))
    with retailer_context(other):
        make_code(**STEP_UP)
        digests.add(ShortCode.objects.get().digest)
    assert len(digests) == 3
    assert not any("777777" in digest for digest in digests)


def test_another_purpose_subject_or_retailer_has_another_code(
    retailer: RetailerRef, other: RetailerRef
) -> None:
    code = make_code(**STEP_UP)
    for wrong in ({"purpose": "pickup", "subject": "ord_1"}, STEP_UP | {"subject": "ord_2"}):
        with pytest.raises(CodeEnded):
            check_code(**wrong, code=code)
    with retailer_context(other), pytest.raises(CodeEnded):
        check_code(**STEP_UP, code=code)
    assert ShortCode.objects.get().tries == 0


def test_wrong_codes_are_counted_and_then_locked(retailer: RetailerRef) -> None:
    code = make_code(**STEP_UP)
    for tries_left in (4, 3, 2, 1):
        with pytest.raises(CodeWrong) as refusal:
            check_code(**STEP_UP, code=other_than(code))
        assert refusal.value.data == {"tries_left": tries_left}
    for _ in range(3):
        with pytest.raises(CodeLocked, match="Request a new code"):
            check_code(**STEP_UP, code=other_than(code))
    with pytest.raises(CodeLocked):
        check_code(**STEP_UP, code=code)  # also the correct code
    new = make_code(**STEP_UP)
    redeem_code(**STEP_UP, code=new)


@pytest.mark.parametrize("odd", ["", "12345", "1234567", "x" * 5000, "１２３４５６", "\x00"])
def test_a_malformed_code_is_a_wrong_code(retailer: RetailerRef, odd: str) -> None:
    make_code(**STEP_UP)
    with pytest.raises(CodeWrong):
        check_code(**STEP_UP, code=odd)


def test_a_new_code_ends_the_old_one(
    retailer: RetailerRef, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = make_code(**STEP_UP)
    checked = check_code(**STEP_UP, code=old)
    monkeypatch.setattr("lastmile.core.codes.secrets.choice", lambda _digits: other_than(old[0]))
    new = make_code(**STEP_UP)
    with pytest.raises(CodeWrong):
        check_code(**STEP_UP, code=old)
    with pytest.raises(CodeEnded):
        use_code(checked)
    redeem_code(**STEP_UP, code=new)
    assert ShortCode.objects.count() == 1


def test_a_code_expires_or_can_be_ended(retailer: RetailerRef) -> None:
    code = make_code(**STEP_UP)
    ShortCode.objects.update(expires_at=Now())
    with pytest.raises(CodeEnded):
        check_code(**STEP_UP, code=code)
    code = make_code(**STEP_UP)
    end_code(**STEP_UP)
    with pytest.raises(CodeEnded):
        check_code(**STEP_UP, code=code)


def test_the_number_of_new_codes_is_limited(retailer: RetailerRef) -> None:
    rules = CodeRules(most_codes=2)
    make_code(**STEP_UP, rules=rules)
    code = make_code(**STEP_UP, rules=rules)
    with pytest.raises(TooManyCodes) as refusal:
        make_code(**STEP_UP, rules=rules)
    assert 3500 < refusal.value.data["retry_after_s"] <= 3600
    make_code(purpose="confirm_address", subject="ord_2", rules=rules)
    check_code(**STEP_UP, code=code)  # the last code is still valid
    ShortCode.objects.update(window_ends_at=Now())
    make_code(**STEP_UP, rules=rules)
    assert ShortCode.objects.get(subject="ord_1").codes_made == 1


def test_a_code_survives_key_rotation_until_its_key_is_removed(
    retailer: RetailerRef, settings: Any
) -> None:
    settings.FIELD_KEYS = (OLD,)
    code = make_code(**STEP_UP)
    settings.FIELD_KEYS = (NEW,)
    with pytest.raises(CodeWrong):
        check_code(**STEP_UP, code=code)
    settings.FIELD_KEYS = (NEW, OLD)
    redeem_code(**STEP_UP, code=code)


@pytest.mark.parametrize("bad", [{"digits": 3}, {"digits": 13}, {"most_tries": 0}])
def test_too_weak_rules_are_refused(bad: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="4 to 12 digits"):
        CodeRules(**bad)


# --- real races --------------------------------------------------------------------------------
@pytest.fixture
def clean(shop: RetailerRef) -> RetailerRef:
    ShortCode.objects.all().delete()
    return shop


def test_a_try_inside_a_transaction_is_refused_and_not_counted(clean: RetailerRef) -> None:
    code = make_code(**STEP_UP)
    with pytest.raises(RuntimeError), transaction.atomic():
        check_code(**STEP_UP, code=code)
    assert ShortCode.objects.get().tries == 0


def verdict(act: Callable[..., Any], barrier: threading.Barrier, **arguments: Any) -> str:
    barrier.wait(20)
    try:
        act(**arguments)
    except DomainError as refusal:
        return refusal.code
    return "right"


@pytest.mark.parametrize("most", [1, 5])
def test_fifty_guesses_at_once_never_pass_the_limit(
    clean: RetailerRef, crew: Crew, most: int
) -> None:
    code = make_code(**STEP_UP, rules=CodeRules(most_tries=most))
    barrier = threading.Barrier(50)
    for _ in range(50):
        crew.start(lambda: verdict(check_code, barrier, **STEP_UP, code=other_than(code)))
    outcomes = Counter(crew.join())
    assert +outcomes == +Counter(code_wrong=most - 1, code_locked=51 - most)
    assert ShortCode.objects.get().tries == most


def test_the_right_code_sent_fifty_times_at_once_works_once(clean: RetailerRef, crew: Crew) -> None:
    code = make_code(**STEP_UP, rules=CodeRules(most_tries=100))
    barrier = threading.Barrier(50)
    for _ in range(50):
        crew.start(lambda: verdict(redeem_code, barrier, **STEP_UP, code=code))
    assert Counter(crew.join()) == {"right": 1, "code_ended": 49}


def test_codes_requested_at_once_are_limited_and_only_one_is_valid(
    clean: RetailerRef, crew: Crew
) -> None:
    barrier = threading.Barrier(20)

    def ask() -> str:
        barrier.wait(20)
        try:
            return make_code(**STEP_UP)
        except TooManyCodes:
            return ""

    for _ in range(20):
        crew.start(ask)
    codes = [code for code in crew.join() if code]
    assert len(codes) == 5
    assert ShortCode.objects.get().codes_made == 5


def test_using_a_code_and_its_effect_are_committed_together(clean: RetailerRef) -> None:
    code = make_code(**STEP_UP, rules=GENEROUS)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        use_code_and_fail(code)
    redeem_code(**STEP_UP, code=code)


def use_code_and_fail(code: str) -> None:
    row = ShortCode.objects.get()
    use_code(CheckedCode(row.pk, row.digest))
    raise ZeroDivisionError

"""FIELD_KEYS: the first key writes, all keys read; localhost creates a key file once."""

from __future__ import annotations

import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from lastmile import env
from lastmile.core import keys
from tests.architecture.source import ROOT
from tests.core.vault import NEW, OLD


def test_keys_are_separated_by_commas_spaces_or_lines() -> None:
    assert env.keys("FIELD_KEYS", "") == ()
    one, two = "k1-" + "abcdefghij" * 3, "k2-" + "klmnopqrst" * 3
    for text in (f"{one},{two}", f"{one}\n{two}\n", f" {one} , {two} "):
        assert env.keys("FIELD_KEYS", text) == (one, two)


@pytest.mark.parametrize("weak", ["short", "a" * 64, "abababababababababababababababababab"])
def test_a_key_that_can_be_guessed_is_refused_without_showing_it(weak: str) -> None:
    with pytest.raises(env.BadEnvironment, match="openssl rand") as refusal:
        env.keys("FIELD_KEYS", weak)
    assert weak not in str(refusal.value)


def test_a_key_twice_is_refused() -> None:
    key = "abcdefghij" * 4
    with pytest.raises(env.BadEnvironment, match="twice"):
        env.keys("FIELD_KEYS", f"{key} {key}")


def test_the_first_key_writes_and_all_can_be_found_by_their_ids(settings: Any) -> None:
    settings.FIELD_KEYS = (NEW, OLD)
    ring = keys.ring()
    assert ring.first == keys.key_of(NEW)
    assert ring.by_id(keys.key_of(OLD).id) == keys.key_of(OLD)
    settings.FIELD_KEYS = (NEW,)
    with pytest.raises(keys.UnknownKey, match=keys.key_of(OLD).id):
        keys.ring().by_id(keys.key_of(OLD).id)


def test_each_purpose_has_its_own_key_and_no_text_shows_it() -> None:
    key = keys.key_of(NEW)
    assert key.derive("a", "bc") != key.derive("ab", "c")
    assert key.derive("a") != keys.key_of(OLD).derive("a")
    assert len(key.derive("a")) == 32
    assert NEW not in repr(keys.KeyRing((key,)))


def _report_key(file: Path, barrier: Any, queue: Any) -> None:
    barrier.wait(20)
    queue.put(keys.read_or_make(file))


def test_processes_that_start_at_once_get_one_key_in_a_private_file(tmp_path: Path) -> None:
    file = tmp_path / "var" / "field-keys"
    many = 12
    using = multiprocessing.get_context("fork")
    barrier, queue = using.Barrier(many), using.Queue()
    crew = [using.Process(target=_report_key, args=(file, barrier, queue)) for _ in range(many)]
    for process in crew:
        process.start()
    keys = {queue.get(timeout=30) for _ in range(many)}
    for process in crew:
        process.join(30)
    assert keys == {file.read_text()}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert env.keys("x", keys.pop())
    assert list(file.parent.iterdir()) == [file]


def test_localhost_keeps_its_key(settings: Any, tmp_path: Path) -> None:
    settings.FIELD_KEYS = ()
    settings.FIELD_KEYS_LAPTOP_FILE = tmp_path / "field-keys"
    first = keys.ring().first
    keys._laptop_ring.cache_clear()
    assert keys.ring().first == first
    settings.FIELD_KEYS_LAPTOP_FILE = tmp_path / "another"
    assert keys.ring().first != first


def test_off_localhost_only_field_keys_are_used(settings: Any, tmp_path: Path) -> None:
    settings.FIELD_KEYS, settings.LOCAL = (), False
    settings.FIELD_KEYS_LAPTOP_FILE = tmp_path / "field-keys"
    with pytest.raises(ImproperlyConfigured, match="FIELD_KEYS is missing"):
        keys.ring()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "FIELD_KEYS is not set"),
        ({"FIELD_KEYS": "short"}, "too easy to guess"),
        ({"FIELD_KEYS": "the-secret-key-of-this-test-0123456789"}, "contains SECRET_KEY"),
        ({"FIELD_KEYS_FILE": "/nowhere/at/all"}, "cannot be read"),
        ({"FIELD_KEYS": "another-key-of-this-test-0123456789abcdef"}, ""),
    ],
)
def test_a_public_installation_does_not_start_without_field_keys(
    environment: dict[str, str], message: str, tmp_path: Path
) -> None:
    surroundings = {
        "PATH": os.environ["PATH"],
        "LASTMILE_VAR": str(tmp_path),
        "BASE_DOMAIN": "deliveries.example.org",
        "SECRET_KEY": "the-secret-key-of-this-test-0123456789",
        **environment,
    }
    done = subprocess.run(
        [sys.executable, "-c", "import lastmile.settings"],
        cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode == 0) == (message == "")
    assert message in done.stderr

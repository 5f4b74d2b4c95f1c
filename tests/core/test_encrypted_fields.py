"""Encrypted values can be read only in the place where they were written; keys can be rotated."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, models
from django.test.utils import isolate_apps

from lastmile.core import rotating
from lastmile.core.fields import EncryptedField, digest_of, digests_of
from lastmile.core.keys import UnknownKey, key_of
from lastmile.core.sealing import CannotDecrypt
from lastmile.core.tenancy import retailer_context
from tests.core.vault import NEW, OLD, stored, vault

SAID = {
    "word": "Tür 7, 'ñ'\x00",
    "second": "two",
    "facts": {"a": [1, None, "é"]},
    "raw": b"\x00\xff",
}


@pytest.fixture
def safe(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Any]]:
    """Return a model with encrypted fields in t1 and t2, with the old key as the only key."""
    settings.FIELD_KEYS = (OLD,)
    with vault(monkeypatch, "t1", "t2", "house") as model:
        yield model


def test_a_value_is_read_back_and_stored_encrypted_only(safe: Any) -> None:
    with retailer_context("t1"):
        row = safe.objects.create(**SAID)
        safe.objects.bulk_create([safe(word="bulk"), safe()])
        safe.objects.filter(pk=row.pk).update(second="three")
        stored_row = safe.objects.get(pk=row.pk)
        assert {name: getattr(stored_row, name) for name in SAID} == SAID | {"second": "three"}
        assert list(safe.objects.order_by("pk").values_list("word", flat=True)[1:]) == ["bulk", ""]
        for column in SAID:
            for text in stored(safe, column):
                assert not text or text.startswith(f"enc1.{key_of(OLD).id}.")
        assert stored(safe, "word")[2] == ""
        assert stored(safe, "facts")[1:] == [None, None]


def test_the_same_value_is_stored_differently_each_time(safe: Any) -> None:
    with retailer_context("t1"):
        safe.objects.bulk_create([safe(word="same"), safe(word="same")])
        assert len(set(stored(safe, "word"))) == 2


def test_a_row_copied_to_another_retailer_is_an_error(safe: Any) -> None:
    with retailer_context("t1"), connection.cursor() as cursor:
        safe.objects.create(word="mine")
        cursor.execute("INSERT INTO t2.core_vault SELECT * FROM t1.core_vault")
    with retailer_context("t2"), pytest.raises(CannotDecrypt, match=r"core\.vault\.word"):
        safe.objects.get()


def test_a_value_copied_to_another_column_is_an_error(safe: Any) -> None:
    with retailer_context("t1"):
        safe.objects.create(word="mine")
        safe.objects.update(second=models.F("word"))
        with pytest.raises(CannotDecrypt, match=r"core\.vault\.second"):
            safe.objects.get()


@pytest.mark.parametrize("spoil", ["left(word, -4) || 'AAAA'", "'plain'", "left(word, 20)"])
def test_a_value_changed_in_the_database_is_an_error(safe: Any, spoil: str) -> None:
    with retailer_context("t1"), connection.cursor() as cursor:
        safe.objects.create(word="mine")
        cursor.execute(f"UPDATE core_vault SET word = {spoil}")
        with pytest.raises(CannotDecrypt):
            safe.objects.get()


def test_a_missing_key_is_named(safe: Any, settings: Any) -> None:
    with retailer_context("t1"):
        safe.objects.create(word="mine")
        settings.FIELD_KEYS = (NEW,)
        with pytest.raises(UnknownKey, match=key_of(OLD).id):
            safe.objects.get()


@pytest.mark.parametrize("lookup", ["word", "word__icontains", "word__in", "word__gt", "facts__a"])
def test_an_encrypted_field_cannot_be_searched(safe: Any, lookup: str) -> None:
    with retailer_context("t1"), pytest.raises(FieldError):
        list(safe.objects.filter(**{lookup: "x"}))


def test_a_secret_is_found_by_its_digest_only_in_its_retailer(safe: Any, settings: Any) -> None:
    with retailer_context("t1"):
        safe.objects.create(label="mine", word="device-1")
        settings.FIELD_KEYS = (NEW, OLD)
        safe.objects.create(label="later", word="device-1")
        digests = digests_of(safe, "word_digest", "device-1")
        assert safe.objects.filter(word_digest__in=digests).count() == 2
        assert digests_of(safe, "word_digest", "device-2") != digests
        assert digest_of(safe, "word_digest", "device-1") == digests[0]
    with retailer_context("t2"):
        assert set(digests_of(safe, "word_digest", "device-1")) & set(digests) == set()
        with pytest.raises(TypeError):
            digest_of(safe, "word", "x")


def test_a_renamed_field_can_read_its_old_values() -> None:
    with isolate_apps("lastmile.core"):

        class Renamed(models.Model):
            code = EncryptedField(bound_to="core.vault.word")
            wrong = EncryptedField(unique=True, default="")

            class Meta:
                app_label = "core"

            def __str__(self) -> str:
                return ""

        field = Renamed._meta.get_field("code")
        assert field.binding == "core.vault.word"
        assert field.clone().bound_to == "core.vault.word"
        assert "house.E010" in {error.id for error in Renamed._meta.get_field("wrong").check()}


# --- rotation --------------------------------------------------------------------------------
def run_rotation(*argv: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("fieldkeys_rotate", *argv, "--json", stdout=out)
    result: dict[str, Any] = json.loads(out.getvalue())
    return result


def test_rotation_encrypts_everything_again_and_names_unneeded_keys(
    safe: Any, settings: Any
) -> None:
    for schema in ("t1", "t2"):
        with retailer_context(schema):
            safe.objects.create(**SAID, label=schema)
            safe.objects.create(label="empty")
    settings.FIELD_KEYS = (NEW, OLD)
    assert run_rotation("--schema", "t1")["may_be_dropped"] == []
    result = run_rotation("--all")
    assert result["rows"] == {"house": 0, "t1": 0, "t2": 1}
    assert result["may_be_dropped"] == [key_of(OLD).id]
    assert result["in_use"] == {key_of(NEW).id: 8}
    settings.FIELD_KEYS = (NEW,)
    for schema in ("t1", "t2"):
        with retailer_context(schema):
            row = safe.objects.get(label=schema)
            assert {name: getattr(row, name) for name in SAID} == SAID
            digests = digests_of(safe, "word_digest", SAID["word"])
            assert safe.objects.get(word_digest__in=digests) == row


def test_a_stopped_rotation_continues(
    safe: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with retailer_context("t1"):
        safe.objects.bulk_create(safe(word=f"w{n}") for n in range(10))
        settings.FIELD_KEYS = (NEW, OLD)
        real, seen = rotating._changes, []

        def dies(*args: Any) -> Any:
            seen.append(args)
            if len(seen) > 7:
                raise KeyboardInterrupt
            return real(*args)

        monkeypatch.setattr(rotating, "_changes", dies)
        with pytest.raises(KeyboardInterrupt):
            rotating.rotate(batch=3)
        monkeypatch.setattr(rotating, "_changes", real)
        assert rotating.keys_in_use() == {key_of(NEW).id: 6, key_of(OLD).id: 4}
        assert rotating.rotate(batch=3).rows == 4
        assert rotating.rotate(batch=3).rows == 0
        assert sorted(row.word for row in safe.objects.all()) == sorted(f"w{n}" for n in range(10))


def test_an_unreadable_value_is_named_and_not_changed(safe: Any, settings: Any) -> None:
    with retailer_context("t1"), connection.cursor() as cursor:
        safe.objects.create(word="sound")
        broken = safe.objects.create(word="broken")
        cursor.execute(
            "UPDATE core_vault SET word = left(word, -4) || 'AAAA' WHERE id = %s", [broken.pk]
        )
        before = stored(safe, "word")[1]
    settings.FIELD_KEYS = (NEW, OLD)
    with pytest.raises(CommandError, match=f"1 values could not.*core.vault {broken.pk}"):
        call_command("fieldkeys_rotate", "--all", stdout=io.StringIO())
    with retailer_context("t1"):
        after = stored(safe, "word")
        assert after[1] == before
        assert after[0].startswith(f"enc1.{key_of(NEW).id}.")
        assert rotating.keys_in_use() == {key_of(NEW).id: 1, key_of(OLD).id: 1}

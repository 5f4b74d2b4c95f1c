"""What is encrypted can be read where it was written, and nowhere else; keys can be changed."""

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
    """A model with encrypted fields in t1 and t2; the old key is the only one."""
    settings.FIELD_KEYS = (OLD,)
    with vault(monkeypatch, "t1", "t2", "house") as model:
        yield model


def test_what_is_written_is_read_and_the_database_never_sees_it(safe: Any) -> None:
    with retailer_context("t1"):
        row = safe.objects.create(**SAID)
        safe.objects.bulk_create([safe(word="bulk"), safe()])
        safe.objects.filter(pk=row.pk).update(second="three")
        found = safe.objects.get(pk=row.pk)
        assert {name: getattr(found, name) for name in SAID} == SAID | {"second": "three"}
        assert list(safe.objects.order_by("pk").values_list("word", flat=True)[1:]) == ["bulk", ""]
        for column in SAID:
            for text in stored(safe, column):
                assert not text or text.startswith(f"enc1.{key_of(OLD).id}.")
        assert stored(safe, "word")[2] == ""
        assert stored(safe, "facts")[1:] == [None, None]


def test_one_value_has_another_form_each_time(safe: Any) -> None:
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


def test_a_key_that_is_gone_is_named(safe: Any, settings: Any) -> None:
    with retailer_context("t1"):
        safe.objects.create(word="mine")
        settings.FIELD_KEYS = (NEW,)
        with pytest.raises(UnknownKey, match=key_of(OLD).id):
            safe.objects.get()


@pytest.mark.parametrize("lookup", ["word", "word__icontains", "word__in", "word__gt", "facts__a"])
def test_an_encrypted_field_cannot_be_searched(safe: Any, lookup: str) -> None:
    with retailer_context("t1"), pytest.raises(FieldError):
        list(safe.objects.filter(**{lookup: "x"}))


def test_a_secret_is_found_by_its_digest_in_its_retailer_alone(safe: Any, settings: Any) -> None:
    with retailer_context("t1"):
        safe.objects.create(label="mine", word="device-1")
        settings.FIELD_KEYS = (NEW, OLD)
        safe.objects.create(label="later", word="device-1")
        said = digests_of(safe, "word_digest", "device-1")
        assert safe.objects.filter(word_digest__in=said).count() == 2
        assert digests_of(safe, "word_digest", "device-2") != said
        assert digest_of(safe, "word_digest", "device-1") == said[0]
    with retailer_context("t2"):
        assert set(digests_of(safe, "word_digest", "device-1")) & set(said) == set()
        with pytest.raises(TypeError):
            digest_of(safe, "word", "x")


def test_a_renamed_field_reads_what_it_wrote_before() -> None:
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
        assert "house.E010" in {found.id for found in Renamed._meta.get_field("wrong").check()}


# --- rotation --------------------------------------------------------------------------------
def told(*argv: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("fieldkeys_rotate", *argv, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def test_rotation_writes_everything_anew_and_says_which_key_may_go(
    safe: Any, settings: Any
) -> None:
    for schema in ("t1", "t2"):
        with retailer_context(schema):
            safe.objects.create(**SAID, label=schema)
            safe.objects.create(label="empty")
    settings.FIELD_KEYS = (NEW, OLD)
    assert told("--schema", "t1")["may_be_dropped"] == []
    found = told("--all")
    assert found["rows"] == {"house": 0, "t1": 0, "t2": 1}
    assert found["may_be_dropped"] == [key_of(OLD).id]
    assert found["in_use"] == {key_of(NEW).id: 8}
    settings.FIELD_KEYS = (NEW,)
    for schema in ("t1", "t2"):
        with retailer_context(schema):
            row = safe.objects.get(label=schema)
            assert {name: getattr(row, name) for name in SAID} == SAID
            said = digests_of(safe, "word_digest", SAID["word"])
            assert safe.objects.get(word_digest__in=said) == row


def test_a_stopped_rotation_goes_on_where_it_was(
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


def test_what_cannot_be_read_is_named_left_alone_and_fails(safe: Any, settings: Any) -> None:
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

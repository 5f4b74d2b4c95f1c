"""Files outside the database: in a folder, or in a bucket of an S3 storage (a fake one here)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from django.conf import settings

from lastmile.core import storage
from lastmile.core.checks import the_storage_can_be_used
from lastmile.core.errors import Unavailable
from lastmile.core.http.problems import known_problem
from lastmile.core.tenancy import RetailerRef, retailer_context
from lastmile.env import BadEnvironment, Bucket, bucket
from tests.fake_s3 import BUCKET, KEY, REGION, SECRET, FakeS3


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeS3]:
    with FakeS3() as server:
        place = server.endpoint.removeprefix("http://")
        pair, query = f"{KEY}:{quote(SECRET, safe='')}", f"region={REGION}&tls=none"
        monkeypatch.setenv("STORAGE_URL", f"s3://{pair}@{place}/{BUCKET}/lastmile?{query}")
        monkeypatch.setattr(settings, "STORAGE_BUCKET", bucket("STORAGE_URL"))
        yield server


@pytest.mark.usefixtures("retailer")
def test_a_bucket_keeps_a_file_privately_and_gives_it_back_to_the_app_alone(fake: FakeS3) -> None:
    name, content = storage.new_name("photo", "jpg"), bytes(range(256)) * 1_200
    assert storage.read(name) is None
    storage.keep(name, content)
    assert fake.objects == {f"lastmile/{name}": content}
    assert fake.wrong == []
    assert storage.read(name) == content
    outside = httpx.get(f"{fake.endpoint}/{BUCKET}/lastmile/{name}", trust_env=False)
    assert outside.status_code == 403
    storage.keep(name, b"again")  # a second attempt writes the same name
    assert fake.objects == {f"lastmile/{name}": b"again"}
    storage.remove(name)
    storage.remove(name)
    assert storage.read(name) is None
    assert fake.objects == {}


def test_another_retailer_and_another_name_are_refused_before_any_call(
    fake: FakeS3, retailer: RetailerRef, other: RetailerRef
) -> None:
    name = storage.new_name("photo", "jpg")
    storage.keep(name, b"mine")
    calls = len(fake.calls)
    with retailer_context(other), pytest.raises(storage.BadName):
        storage.read(name)
    for bad in ("../secrets", f"{retailer.schema}/photo/short.jpg", f"/{name}", f"{name}?acl"):
        for act in (storage.read, storage.remove, lambda one: storage.keep(one, b"x")):
            with pytest.raises(storage.BadName):
                act(bad)
    assert len(fake.calls) == calls


@pytest.mark.usefixtures("retailer")
def test_a_bucket_that_does_not_answer_is_unavailable_and_never_a_fault_of_ours(
    fake: FakeS3,
) -> None:
    name = storage.new_name("photo", "jpg")
    fake.is_away = True
    for act in (storage.read, storage.remove, lambda one: storage.keep(one, b"x")):
        with pytest.raises(Unavailable) as refused:
            act(name)
        problem = known_problem(refused.value)
        assert problem is not None
        assert (problem.status, problem.headers["Retry-After"]) == (503, "2")
    fake.is_away = False
    storage.keep(name, b"x")
    assert storage.read(name) == b"x"


@pytest.mark.usefixtures("retailer")
def test_names_are_unguessable_and_a_folder_is_only_for_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "STORAGE_FOLDER", tmp_path)
    names = {storage.new_name("photo", "jpg") for _n in range(100)}
    assert len(names) == 100
    name = names.pop()
    assert len(name.rpartition("/")[2].removesuffix(".jpg")) == 43  # 256 bits
    storage.keep(name, b"x")
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert storage.read(name) == b"x"


def test_the_address_of_a_bucket_is_read_and_its_secret_is_never_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STORAGE_URL", "s3://AK:s%2Fcret@s3.eu-west-1.amazonaws.com/box")
    read = bucket("STORAGE_URL")
    assert read == Bucket(
        endpoint="https://s3.eu-west-1.amazonaws.com", name="box", key="AK", secret="s/cret"
    )
    assert "cret" not in repr(read)
    monkeypatch.setenv("STORAGE_URL", "s3://[::1]:9000/box/a/b?region=x&tls=none")
    assert bucket("STORAGE_URL") == Bucket(
        endpoint="http://[::1]:9000", name="box", folder="a/b", region="x"
    )
    monkeypatch.setenv("STORAGE_URL", "file:///srv/photos")
    assert bucket("STORAGE_URL") is None


@pytest.mark.parametrize(
    "value",
    [
        "s3://secret@host/box",
        "s3://k:secret@host",
        "s3://k:secret@/box",
        "s3://k:secret@host/box?acl=public-read",
        "s3://k:secret@host/box?tls=sometimes",
        "s3://k:secret@host:port/box",
    ],
)
def test_a_malformed_address_of_a_bucket_is_refused_without_its_secret(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_URL", value)
    with pytest.raises(BadEnvironment) as refused:
        bucket("STORAGE_URL")
    assert "secret" not in str(refused.value)
    assert "s3://KEY:SECRET@" in str(refused.value)


def test_the_start_says_which_packages_a_bucket_needs(
    fake: FakeS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert the_storage_can_be_used() == []
    monkeypatch.setattr("lastmile.core.checks.find_spec", lambda _name: None)
    (problem,) = the_storage_can_be_used()
    assert "requirements-s3.txt" in str(problem.hint)
    monkeypatch.setattr(settings, "STORAGE_BUCKET", None)
    assert the_storage_can_be_used() == []


def test_without_a_bucket_its_packages_are_not_imported() -> None:
    code = "import sys, lastmile.asgi; print({'boto3', 'storages'} & set(sys.modules))"
    environment: dict[str, Any] = {"DJANGO_SETTINGS_MODULE": "lastmile.settings_test"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=settings.BASE_DIR,
        env={"PATH": "/usr/bin:/bin", **environment},
    )
    assert done.stdout.strip() == "set()"

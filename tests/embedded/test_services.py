"""The embedded services: data is durable and private, one process runs them, none is left over."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from lastmile.embedded.folders import Folders, UnsafeFolder, make_private
from lastmile.embedded.keeper import NoServices, services_in_use
from lastmile.embedded.services import Services, ServicesInUse, lock_holder
from tests.embedded.helpers import driver, eventually, own_environment, processes_with, query


def valkey(folders: Folders) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(folders.valkey_socket))


def stopped(folders: Folders) -> bool:
    return lock_holder(folders) is None and not processes_with(str(folders.var))


def test_data_is_there_after_the_services_stopped(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    with services_in_use(tmp_path):
        query(folders, "CREATE TABLE kept (word text)")
        query(folders, "INSERT INTO kept VALUES ('Ærø')")
        valkey(folders).set("kept", "yes")
    eventually(lambda: stopped(folders), 15, "services stop after the last user")
    with services_in_use(tmp_path):
        assert query(folders, "SELECT word FROM kept") == [("Ærø",)]
        assert valkey(folders).get("kept") == b"yes"


def test_acknowledged_data_survives_a_kill_of_servers_and_keeper(
    tmp_path: Path,
) -> None:
    folders = Folders(tmp_path)
    with services_in_use(tmp_path):
        query(folders, "CREATE TABLE kept (n int)")
        query(folders, "INSERT INTO kept VALUES (42)")
        (server,) = [
            pid for pid in processes_with(f"-D {folders.postgres}") if os.getpgid(pid) == pid
        ]
        keeper = lock_holder(folders)
        assert keeper is not None
        for pid in (keeper[1], server):
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: stopped(folders), 15, "no orphan after kill -9")
    with services_in_use(tmp_path):
        assert query(folders, "SELECT n FROM kept") == [(42,)]


def test_durability_is_on_and_tcp_is_off(tmp_path: Path) -> None:
    with services_in_use(tmp_path):
        values = query(
            Folders(tmp_path),
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'), "
            "current_setting('full_page_writes'), current_setting('listen_addresses'), "
            "current_setting('server_version_num')::int / 10000, "
            "(SELECT datlocale FROM pg_database WHERE datname = current_database())",
        )
        store = valkey(Folders(tmp_path))
        stored = {
            name: store.config_get(name)[name]
            for name in ("appendonly", "appendfsync", "maxmemory-policy", "port")
        }
    assert values == [("on", "on", "on", "", 18, "C.UTF-8")]
    assert stored == {
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "port": "0",
    }


def test_the_socket_folder_stays_private(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    folders.run.mkdir(mode=0o777)
    folders.run.chmod(0o777)
    with services_in_use(tmp_path):
        assert stat.S_IMODE(folders.run.stat().st_mode) == 0o700
        assert stat.S_IMODE(folders.postgres.stat().st_mode) == 0o700


def test_a_long_or_odd_path_gets_its_sockets_in_a_short_folder(tmp_path: Path) -> None:
    deep = tmp_path / "a folder with spaces & ünïcode" / ("long" * 30)
    folders = Folders(deep)
    assert len(str(folders.valkey_socket)) < 100
    assert folders.run.parent != deep
    with services_in_use(deep):
        assert query(folders, "SELECT 1") == [(1,)]
        assert valkey(folders).ping()
        assert stat.S_IMODE(folders.run.stat().st_mode) == 0o700
    eventually(lambda: stopped(folders), 15, "services stop")
    assert not folders.run.exists()


def test_a_socket_folder_of_another_user_in_tmp_is_refused(tmp_path: Path) -> None:
    public = tmp_path / "public"
    public.mkdir()
    public.chmod(0o1777)
    (public / "elsewhere").mkdir()
    (public / "run").symlink_to(public / "elsewhere")
    with pytest.raises(UnsafeFolder, match="Remove it"):
        make_private(public / "run")
    assert stat.S_IMODE((public / "elsewhere").stat().st_mode) != 0o700


def test_a_second_start_on_the_same_data_names_the_first(tmp_path: Path) -> None:
    first = Services(Folders(tmp_path), "up")
    first.take()
    with pytest.raises(ServicesInUse) as refused:
        Services(Folders(tmp_path), "up").take()
    assert str(refused.value) == (
        f"Lastmile is already running on {tmp_path} (up, pid {os.getpid()}). "
        "Stop it first, or set LASTMILE_VAR to another folder."
    )
    assert lock_holder(Folders(tmp_path)) == ("up", os.getpid())


def test_two_users_share_the_services_and_the_last_one_stops_them(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    source = (
        "from pathlib import Path\n"
        "from lastmile.embedded.keeper import services_in_use\n"
        "with services_in_use(Path(sys.argv[1])):\n"
        "    print('in', flush=True); sys.stdin.read()\n"
    )
    users = [
        subprocess.Popen(
            driver(source, str(tmp_path)),
            env=own_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for user in users:
        assert user.stdout is not None
        assert user.stdout.readline() == b"in\n"
    assert len(processes_with(f"lastmile.embedded.keeper {tmp_path}")) == 1
    users[0].kill()  # the kernel releases its lock
    users[1].communicate()
    users[0].communicate()
    assert query(folders, "SELECT 1") == [(1,)]
    users[2].communicate()
    eventually(lambda: stopped(folders), 15, "the last user's end stops the services")


def test_data_of_another_version_is_refused_with_the_remedy(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    folders.postgres.mkdir()
    (folders.postgres / "PG_VERSION").write_text("17\n")
    with (
        pytest.raises(NoServices, match=r"written by PostgreSQL 17; this is 18\. Dump it"),
        services_in_use(tmp_path),
    ):
        pytest.fail("it started")
    assert (folders.postgres / "PG_VERSION").read_text() == "17\n"


def test_a_lock_file_with_a_reused_pid_does_not_prevent_the_start(
    tmp_path: Path,
) -> None:
    folders = Folders(tmp_path)
    with services_in_use(tmp_path):
        text = (folders.postgres / "postmaster.pid").read_text()
    eventually(lambda: stopped(folders), 15, "services stop")
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        _, rest = text.split("\n", 1)
        (folders.postgres / "postmaster.pid").write_text(f"{stranger.pid}\n{rest}")
        with services_in_use(tmp_path):
            assert query(folders, "SELECT 1") == [(1,)]
        assert stranger.poll() is None
    finally:
        stranger.communicate()

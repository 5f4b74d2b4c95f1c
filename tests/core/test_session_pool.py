"""The pool of sessions: an absent PostgreSQL is told at once, a busy one is waited for."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection

from lastmile.core.postgres.pool import AWAY_S, CONNECT_S, PAUSE_S, SessionPool, check_session


class Server:
    """The way to the server of the tests; ``is_away`` leads to a port where nobody listens."""

    def __init__(self) -> None:
        self.params = connection.get_connection_params() | {"autocommit": True}
        self.is_away = False

    def __call__(self) -> dict[str, Any]:
        if not self.is_away:
            return dict(self.params)
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            return self.params | {"host": "127.0.0.1", "port": unused.getsockname()[1]}

    def go_away(self, pool: SessionPool) -> None:
        """End all sessions of a pool and refuse new ones, as a kill of the server does."""
        self.end_sessions(pool)
        self.is_away = True

    def end_sessions(self, pool: SessionPool) -> None:
        """End all sessions of a pool on the server."""
        sessions = [pool.getconn() for _n in range(2)]
        pids = [session.info.backend_pid for session in sessions]
        for session in sessions:
            pool.putconn(session)
        with psycopg.connect(**self.params) as other:
            ended = "SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) pid"
            assert other.execute(ended, [pids]).fetchall() == [(True,), (True,)]


@pytest.fixture
def server(db: None) -> Server:
    """Return the way to the server of the tests."""
    return Server()


@pytest.fixture
def pool(server: Server) -> Iterator[SessionPool]:
    """Return a pool with at most two sessions."""
    with SessionPool(
        kwargs=server, min_size=1, max_size=2, timeout=20, check=check_session, open=False
    ) as sessions:
        yield sessions


def test_a_server_that_is_gone_is_told_within_three_seconds(
    pool: SessionPool, server: Server
) -> None:
    server.go_away(pool)
    for within_s in (AWAY_S + 2 * PAUSE_S, 2 * PAUSE_S):  # the second request need not wait again
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError, match="cannot be reached"):
            pool.getconn()
        assert time.monotonic() - began < within_s


def test_a_server_whose_packets_get_lost_is_noticed(
    pool: SessionPool, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert CONNECT_S <= 5
    monkeypatch.setattr("lastmile.core.postgres.pool.CONNECT_S", 2.0)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # the connection is open, and nobody ever answers
        host = {"host": "127.0.0.1", "port": silent.getsockname()[1]}
        server.end_sessions(pool)
        server.params |= host
        began = time.monotonic()
        with pytest.raises(psycopg.OperationalError, match=r"cannot be reached.*timeout"):
            pool.getconn()
        assert time.monotonic() - began < 10, "without a limit psycopg waits for 130 seconds"


def test_an_open_session_asks_whether_the_server_is_still_there(db: None) -> None:
    options = settings.DATABASES["default"]["OPTIONS"]
    checks = (
        "tcp_user_timeout",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
    )
    assert [options[name] for name in checks] == [10_000, 10, 5, 3]


def test_after_the_server_is_back_sessions_work_within_two_seconds(
    pool: SessionPool, server: Server
) -> None:
    server.go_away(pool)
    with pytest.raises(psycopg.OperationalError):
        pool.getconn()
    time.sleep(4 * PAUSE_S)  # the pauses must not have grown meanwhile
    server.is_away = False
    began = time.monotonic()
    with pool.connection(timeout=10) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
    assert time.monotonic() - began < 2 * PAUSE_S + 1


def test_broken_sessions_are_replaced_without_a_pause(pool: SessionPool, server: Server) -> None:
    server.end_sessions(pool)
    began = time.monotonic()
    with pool.connection() as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
    assert time.monotonic() - began < PAUSE_S


def test_a_busy_pool_is_waited_for(pool: SessionPool) -> None:
    taken = [pool.getconn(), pool.getconn()]
    back = threading.Timer(AWAY_S + 1.5, pool.putconn, [taken[0]])
    back.start()
    with pool.connection() as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
    back.join()
    pool.putconn(taken[1])


def test_a_server_without_room_for_a_session_is_waited_for(
    pool: SessionPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = pool.getconn()

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise psycopg.OperationalError("FATAL: sorry, too many clients already")

    monkeypatch.setattr(pool.connection_class, "connect", refuse)
    back = threading.Timer(AWAY_S + 1.5, pool.putconn, [taken])
    back.start()
    with pool.connection() as session:
        assert session.execute("SELECT 1").fetchone() == (1,)
    back.join()

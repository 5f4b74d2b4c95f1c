"""The pool of database sessions: a busy pool is waited for, an absent server is not.

psycopg_pool cannot tell the two apart: with its own means each request waits the whole time-out
while PostgreSQL is not available, and the pauses between its tries double, also after the server
is back.
"""

from __future__ import annotations

import select
import time
from typing import Any, Final

import psycopg
from psycopg_pool import ConnectionPool

#: Waiting requests are refused when no session could be opened or given back for this long.
#: Seconds, chosen: a restart of PostgreSQL without recovery takes less.
AWAY_S: Final = 2.0
#: Pause between two tries to open a session, at most. psycopg_pool doubles it before it waits.
PAUSE_S: Final = 1.0
#: A server that does not answer within this time cannot be reached: its packets may get lost on the
#: way, which nothing else says. Seconds, chosen: a busy server opens a session in less.
CONNECT_S: Final = 5.0
#: A server that says so can be reached: the pool waits until others give sessions back.
_FULL: Final = ("too many", "connection slots")


def check_session(session: psycopg.Connection[Any]) -> None:
    """Raise OperationalError if a session from the pool is broken.

    A server that has ended the session has closed its socket or has written to it. Both make the
    socket readable, so a quiet socket needs no round trip to the server.
    """
    readable = select.poll()
    readable.register(session.fileno(), select.POLLIN)
    if readable.poll(0):
        ConnectionPool.check_connection(session)


class SessionPool(ConnectionPool[psycopg.Connection[Any]]):
    """A pool that refuses the waiting requests when PostgreSQL cannot be reached at all.

    It overrides members that psycopg_pool does not publish; tests/core/test_session_pool.py fails
    when a new version changes them.
    """

    _away_since: float | None = None  # the first try that failed since a session worked

    def _getconn_with_check_loop(self, deadline: float) -> psycopg.Connection[Any]:
        """Return the next session that works, without a pause after a broken one."""
        while True:
            session = self._getconn_unchecked(deadline - time.monotonic())
            try:
                self._check_connection(session)
            except psycopg.Error:
                self._putconn(session, from_getconn=True)
            except BaseException:
                self._putconn(session, from_getconn=True)
                raise
            else:
                return session

    def _add_connection(self, attempt: Any, growing: bool = False) -> None:
        if attempt is not None:
            attempt.delay = min(attempt.delay, PAUSE_S / 2)
        super()._add_connection(attempt, growing)

    def _add_to_pool(self, conn: psycopg.Connection[Any]) -> None:
        self._away_since = None
        super()._add_to_pool(conn)

    def _connect(self, timeout: float | None = None) -> psycopg.Connection[Any]:
        began = time.monotonic()
        try:
            return super()._connect(min(timeout or CONNECT_S, CONNECT_S))
        except psycopg.OperationalError as fault:
            if not any(words in str(fault) for words in _FULL):
                self._note_away(began, fault)
            raise

    def _note_away(self, began: float, fault: psycopg.OperationalError) -> None:
        """Note a failed try; refuse those who wait if the server has been away for too long."""
        if self._away_since is None:
            self._away_since = began
        if time.monotonic() - self._away_since < AWAY_S:
            return
        with self._lock:
            waiting = list(self._waiting)
            self._waiting.clear()
        for client in waiting:
            client.fail(psycopg.OperationalError(f"PostgreSQL cannot be reached: {fault}"))

"""Log lines contain no secrets."""

from __future__ import annotations

import logging

import pytest

from lastmile.core.logs import HIDDEN, RedactingFormatter


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        ("key lm_t_acme_0123456789abcdefghjkmnpqrstvwxyz used", "0123456789abcdefgh"),
        ("opened with tkt_EIubEG8LBMh2iH9oSjYVT66mg1RrcmRL", "EIubEG8"),
        ("Not SourceTexts: /set-password/WyJtYnJf:1vM:x-Y/", "WyJtYnJf"),
        ("Not SourceTexts: /t/abc-DEF_123/", "abc-DEF"),
        ("Authorization: Bearer something.secret", "something"),
        ("Cookie: sid=abcdef0123456789; csrf=x", "abcdef01"),
        ("GET /ws/v1/board/?ticket=tkt_x&y=1", "tkt_x"),
        ("dsn postgres password=hunter2 host=x", "hunter2"),
        ("link abcdefghijklmnopqrstuvwxyz234567 sent", "abcdefghijklm"),
        ("GET /login/?next=%2Ft%2Fabc-DEF_123%2F", "abc-DEF"),
        ("GET /x?to=%2Fabcdefghijklmnopqrstuvwxyz234567%2F", "abcdefghijklm"),
        ("GET /t/abcdefghijklmnopqrstuvwxyz234567", "abcdefghijklm"),
        ("Cookie: step-up=eyJmb3Ii:1vM:x-Y; theme=dark", "eyJmb3Ii"),
        ("row enc1.0a1b2c3d.q83vEjRWeJA_-w== is odd", "q83vEjRWeJA"),
        ("POST confirm code=493021 refused", "493021"),
        ('body {"code": "493021"}', "493021"),
        ("env FIELD_KEYS=one,two", "two"),
    ],
)
def test_a_secret_is_hidden_and_the_rest_is_kept(line: str, secret: str) -> None:
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "%s", (line,), None)
    line_written = RedactingFormatter("%(levelname)s %(message)s").format(record)
    assert secret not in line_written
    assert HIDDEN in line_written
    assert line_written.startswith("ERROR ")


def test_tracebacks_are_redacted_too() -> None:
    try:
        raise ValueError("bad key lm_t_acme_0123456789abcdefghjkmnpqrstvwxyz")
    except ValueError:
        import sys

        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed", (), sys.exc_info())
    line = RedactingFormatter("%(message)s").format(record)
    assert "0123456789abcdef" not in line
    assert "ValueError" in line


def test_the_server_s_own_loggers_hide_secrets_too() -> None:
    secret = "abcdefghijklmnopqrstuvwxyz234567"
    line = ("127.0.0.1:5000", "GET", f"/t/{secret}/", "1.1", 200)
    for name in ("uvicorn", "uvicorn.access"):
        # pytest adds handlers of its own, of other classes.
        handlers = [h for h in logging.getLogger(name).handlers if type(h) is logging.StreamHandler]
        assert handlers
        for handler in handlers:
            record = logging.LogRecord(
                name, logging.INFO, "x.py", 1, '%s - "%s %s HTTP/%s" %d', line, None
            )
            assert secret not in handler.format(record)
            assert "/t/" in handler.format(record)

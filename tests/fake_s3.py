"""An object storage (S3) on loopback: as much of it as the app uses, and a check of each call.

    with FakeS3() as fake:
        fake.objects["photos/t_one/photo/….jpg"]

An object can be written only as private, and nothing can be read without a signature of its key.
"""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

KEY, SECRET, BUCKET, REGION = "AKIAFAKE", "the/secret+of=it", "proofs", "eu-west-1"
_ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
_SIGNED = re.compile(rf"AWS4-HMAC-SHA256 Credential={KEY}/\d{{8}}/{REGION}/s3/aws4_request, ")


class FakeS3:
    """The server. ``objects`` is what it keeps; with ``is_away`` it answers nothing but 503."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.wrong: list[str] = []  # calls that a real storage would let the world see
        self.is_away = False
        handler = type("Handler", (_Handler,), {"fake": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_fault: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class _Handler(BaseHTTPRequestHandler):
    fake: FakeS3
    protocol_version = "HTTP/1.1"

    def _key(self) -> str | None:
        """Return the name of the object, None if the call is answered with an error."""
        self.fake.calls.append(self.command)
        if self.fake.is_away:
            self._answer(503, _ERROR.format(code="ServiceUnavailable").encode())
            return None
        if not _SIGNED.match(self.headers.get("Authorization", "")):
            self._answer(403, _ERROR.format(code="AccessDenied").encode())
            return None
        bucket, _slash, key = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        if bucket != BUCKET or not key:
            self._answer(404, _ERROR.format(code="NoSuchBucket").encode())
            return None
        return key

    def do_PUT(self) -> None:
        key, content = self._key(), self._body()
        if key is None:
            return
        if self.headers.get("x-amz-acl") != "private":
            self.fake.wrong.append(f"{key} is not private")
        self.fake.objects[key] = content
        self._answer(200)

    def do_GET(self) -> None:
        key = self._key()
        if key is None:
            return
        content = self.fake.objects.get(key)
        if content is None:
            self._answer(404, _ERROR.format(code="NoSuchKey").encode())
        else:
            self._answer(200, content)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        key = self._key()
        if key is not None:
            self.fake.objects.pop(key, None)
            self._answer(204)

    def _body(self) -> bytes:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return raw
        parts = []
        while raw:
            head, _line, raw = raw.partition(b"\r\n")
            size = int(head.split(b";")[0], 16)
            if not size:
                break
            parts.append(raw[:size])
            raw = raw[size + 2 :]
        return b"".join(parts)

    def _answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"0"')
        self.send_header("Last-Modified", "Mon, 30 Nov 2026 05:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        pass

"""A real browser leaves a shopper's page for another site: the site gets no secret."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import sync_playwright

from tests import chromium

_LINK = """(url) => { const a = document.createElement("a"); a.href = url; a.id = "out";
a.textContent = "out"; document.querySelector("main").append(a); }"""


def referrers(host: str, port: int, path: str) -> list[str] | None:
    """Open a page in Chromium and follow a link to another site; return what the site was told.

    Return None without a Chromium. Each entry holds the address and all headers of one request.
    """
    binary = chromium.find()
    if binary is None:
        return None
    with _other_site() as (requests, other), sync_playwright() as playwright:
        rules = f"MAP {host} 127.0.0.1, MAP other.example 127.0.0.1"
        flags = [*chromium.FLAGS, f"--host-resolver-rules={rules}"]
        browser = playwright.chromium.launch(executable_path=binary, args=flags)
        page = browser.new_page()
        opened = page.goto(f"http://{host}:{port}{path}")
        assert opened is not None
        assert opened.status == 200
        page.evaluate(_LINK, f"http://other.example:{other}/landing")
        page.click("#out")
        page.wait_for_url("**/landing")
        browser.close()
    return requests


@contextmanager
def _other_site() -> Iterator[tuple[list[str], int]]:
    """Serve a site of its own; yield the requests that it got, and its port."""
    requests: list[str] = []

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(f"{self.path} {dict(self.headers)}")
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as inherited
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield requests, server.server_address[1]
    finally:
        server.shutdown()
        thread.join()

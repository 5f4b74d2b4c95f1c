"""The file ``/widget.js``: one script for every host, cached, compressed, without cookies."""

from __future__ import annotations

import gzip
import re

from django.conf import settings
from django.test import Client
from django.utils.translation import override

from lastmile.core.tenancy import RetailerRef
from portal.choice.widget.script import PARTS, script_of
from portal.choice.widget.texts import TEXTS, all_texts


def test_anybody_gets_the_script_with_the_right_headers_and_no_cookie(
    retailer: RetailerRef, client: Client
) -> None:
    answer = client.get("/widget.js")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Cache-Control"].startswith("public, max-age=3600")
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert not answer.cookies
    body = answer.content.decode()
    assert f'const HOST = "http://{retailer.domain}' in body
    assert 'customElements.define("lastmile-picker"' in body


def test_a_second_look_costs_no_bytes_and_a_version_is_kept_for_ever(
    retailer: RetailerRef, client: Client
) -> None:
    first = client.get("/widget.js")
    again = client.get("/widget.js", headers={"if-none-match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    version = re.fullmatch(r'W/"(\w+)"', first.headers["ETag"])[1]  # type: ignore[index]
    assert "immutable" in client.get(f"/widget.js?v={version}").headers["Cache-Control"]
    assert "immutable" not in client.get("/widget.js?v=other").headers["Cache-Control"]
    packed = client.get("/widget.js", headers={"accept-encoding": "gzip, br"})
    assert gzip.decompress(packed.content) == first.content
    assert len(packed.content) < 25_000
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert client.post("/widget.js").status_code == 405


def test_each_retailer_has_its_own_host_in_it(
    retailer: RetailerRef, other: RetailerRef, client: Client
) -> None:
    first = client.get("/widget.js", headers={"host": retailer.domain}).content.decode()
    second = client.get("/widget.js", headers={"host": other.domain}).content.decode()
    assert retailer.domain in first
    assert retailer.domain not in second
    assert client.get("/widget.js", headers={"host": "unknown.localhost"}).status_code == 404


def test_every_language_has_every_text_and_plural_form() -> None:
    texts = all_texts()
    assert set(texts) == {code for code, _name in settings.SHOPPER_LANGUAGES}
    with override("es"):
        assert texts["es"]["title"] == str(TEXTS["title"])
    for code, table in texts.items():
        assert set(table) == set(texts["en"]), code
        for key, text in table.items():
            assert text, (code, key)
            if code != "en":
                assert text != texts["en"][key], (code, key)
    assert texts["ar"]["count"]["two"] != texts["ar"]["count"]["few"]  # type: ignore[index]


def test_the_script_uses_every_text_and_no_other() -> None:
    source = script_of("https://acme.example", "CL").content.decode()
    code = source[source.index("// The language of a picker") :]
    words = set(re.findall(r"[\"']([a-z_]+)[\"']", code))
    assert set(all_texts()["en"]) - words - {"hub", "locker", "curbside", "attended"} <= {
        "contactless", "window",
    }  # fmt: skip
    assert len(PARTS) == 5


def test_the_script_makes_no_html_from_text_and_stores_nothing() -> None:
    source = script_of("https://acme.example", "CL").content.decode()
    code = source[source.index("// The language of a picker") :]
    for word in ("innerHTML", "insertAdjacentHTML", "eval(", "localStorage", "sessionStorage",
                 "document.cookie", "indexedDB", "new Function"):  # fmt: skip
        assert word not in code, word


def test_hours_and_amounts_are_written_as_on_the_other_pages() -> None:
    source = script_of("https://acme.example", "CL").content.decode()
    assert '"es": "es-CL-u-hc-h23-nu-latn"' in source
    assert '"en": "en-150-u-hc-h23-nu-latn"' in source
    assert script_of("https://acme.example", "CL") is script_of("https://acme.example", "CL")
    assert (
        '"ar": "ar-EG-u-hc-h12-nu-arab"' in script_of("https://acme.example", "EG").content.decode()
    )

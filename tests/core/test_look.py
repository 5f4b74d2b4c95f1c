"""The look: readable in every theme, one word per status, no styles outside the tokens."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.http import HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.utils import translation

from lastmile import assets
from lastmile.core.contrast import ENOUGH, luminance, ratio
from lastmile.core.http.headers import BrandedPolicyMiddleware
from lastmile.core.navigation import menu
from lastmile.core.palette import COLOURS, DASHES, colour_of, pattern_of
from lastmile.core.statuses import status_of, statuses
from lastmile.core.templatetags.look import icon
from lastmile.core.tenancy import Brand, RetailerRef

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "lastmile" / "core" / "static"


def one_line(file: Path) -> str:
    """Return the text of a file without line breaks, so that its formatting does not matter."""
    text = re.sub(r"\s+", " ", file.read_text(encoding="utf-8"))
    return re.sub(r"(?<=[(\[]) | (?=[)\]])|,(?= [)\]])", "", text)


TOKENS = one_line(STATIC / "css" / "tokens.css")
TEMPLATES = [
    file
    for file in ROOT.glob("*/**/templates/**/*.*")
    if file.suffix in {".html", ".svg"} and ".venv" not in file.parts
]
GROUNDS = ("surface-0", "surface-1", "surface-2")
TEXTS = ("text-strong", "text-normal", "text-muted")
CSP = "Content-Security-Policy"
TONES = ("ok", "risk", "late", "failed", "idle")


def colours(css: str) -> dict[str, tuple[float, float]]:
    """Return token -> luminance (light, dark) of a CSS block."""
    css = css.replace("var(--brand-hue)", "205").replace("var(--brand-chroma)", "0.085")
    luminances: dict[str, tuple[float, float]] = {}
    for name, light, dark in re.findall(
        r"--([\w-]+): light-dark\((.+?), (#\w+|oklch\([^)]*\))\)", css
    ):
        luminances.setdefault(name, (level(light), level(dark)))
    return luminances


def level(colour: str) -> float:
    """Return the relative luminance of ``#rgb``, ``#rrggbb`` or ``oklch(…)``."""
    if colour.startswith("#"):
        digits = colour[1:] if len(colour) == 7 else "".join(c * 2 for c in colour[1:])
        parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        red, green, blue = (
            v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    light, chroma, hue = (float(part) for part in colour[6:-1].split("/")[0].split())
    return luminance(light, chroma, hue)


PLAIN = colours(
    TOKENS[TOKENS.index(":root, [data-theme] {") : TOKENS.index('[data-theme="contrast"]')]
)
LOUD = PLAIN | colours(TOKENS[TOKENS.index('[data-theme="contrast"]') :])


@pytest.mark.parametrize(("roles", "least"), [(PLAIN, ENOUGH), (LOUD, 7.0)], ids=["plain", "loud"])
@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_has_contrast_on_every_background(
    roles: dict[str, tuple[float, float]], least: float, scheme: int
) -> None:
    pairs = [(text, ground) for text in (*TEXTS, "accent", *TONES) for ground in GROUNDS]
    pairs += [(tone, f"{tone}-soft") for tone in TONES]
    pairs += [("on-accent", "accent"), ("accent", "accent-soft")]
    pairs += [("text-normal", f"{tone}-soft") for tone in TONES]
    faint = {
        f"{text} on {ground}": round(ratio(roles[text][scheme], roles[ground][scheme]), 2)
        for text, ground in pairs
        if ratio(roles[text][scheme], roles[ground][scheme]) < least
    }
    assert not faint


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_borders_of_fields_and_focus_have_contrast(scheme: int) -> None:
    for role in ("line-strong", "focus"):
        for ground in ("surface-0", "surface-1"):
            assert ratio(PLAIN[role][scheme], PLAIN[ground][scheme]) >= 3, (role, ground)


def test_both_ways_to_high_contrast_give_the_same_tokens() -> None:
    own_block = TOKENS.split('[data-theme="contrast"] {')[1].split("}")[0]
    systems = TOKENS.split('[data-theme="auto"] {')[-1].split("}")[0]
    assert re.sub(r"\s+", " ", own_block).strip() == re.sub(r"\s+", " ", systems).strip()


def test_only_tokens_name_colours() -> None:
    for sheet in (STATIC / "css").glob("*.css"):
        if sheet.name == "tokens.css":
            continue
        css = re.sub(r'url\("[^"]*"\)', "", sheet.read_text(encoding="utf-8"))
        named = set(re.findall(r"#[0-9a-fA-F]{3,8}\b|oklch\(\d|rgba?\(", css))
        # the map's background before its script, and print
        assert named <= {"#e8eced", "#151b1f", "#fff", "#000"}, sheet.name


def test_every_used_icon_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'symbol id="([\w-]+)"', (STATIC / "icons/lucide.svg").read_text()))
    used = {(s.icon, "statuses.py") for s in statuses().values()}
    used |= {(item.icon, "navigation.py") for item in menu()}
    for file in TEMPLATES:
        text = file.read_text(encoding="utf-8")
        used |= {(name, file.name) for name in re.findall(r'{% icon "([\w-]+)"', text)}
    for file in [*ROOT.glob("*/*.py"), *ROOT.glob("*/*/*.py")]:
        if "tests" not in file.parts:
            names = re.findall(r'\b(?:icon|glyph)="([\w-]+)"', file.read_text(encoding="utf-8"))
            used |= {(name, file.name) for name in names}
    assert not {pair for pair in used if pair[0] not in sprite}


def test_no_template_styles_or_scripts_inline() -> None:
    for file in TEMPLATES:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".svg" or "nonce" in text:
            text = re.sub(r"<(style|script) nonce=.*?</\1>", "", text, flags=re.DOTALL)
        assert not re.search(r"\sstyle=|\son[a-z]+=\"|javascript:", text), file
        assert not re.search(r"<script(?![^>]*(src=|application/json))", text), file


def test_a_status_is_a_tone_an_icon_and_a_word() -> None:
    html = Template('{% load look %}{% status "late" %}').render(Context())
    assert 'class="status late"' in html
    assert "#clock-alert" in html
    assert "Late" in html
    assert status_of("made_up").word == "Made up"
    with translation.override("es"):
        assert str(status_of("late").word) == "Atrasado"


def test_hostile_text_stays_text_in_every_tag() -> None:
    evil = "<img src=x onerror=alert(1)>"
    page = Template(
        "{% load look maps charts %}{% status x %}{% icon x %}{% icon 'x' '' x %}"
        "{% stop_number 1 x %}{% meter 1 2 x %}{% map source=x label=x %}"
        "{% bar_chart x rows %}{% facts pairs %}"
    )
    html = page.render(Context({"x": evil, "rows": [(evil, 1.0)], "pairs": [(evil, evil)]}))
    assert "<img" not in html
    assert html.count("&lt;img") >= 8


def test_sixteen_routes_differ_by_colour_or_dash() -> None:
    looks = [(colour_of(n), pattern_of(n)) for n in range(1, COLOURS * len(DASHES) + 1)]
    assert len(set(looks)) == COLOURS * len(DASHES)
    assert {f"--route-{n}" for n in range(1, COLOURS + 1)} <= set(re.findall(r"--route-\d", TOKENS))
    twin = one_line(STATIC / "core/map/palette.js")
    assert f"const COUNT = {COLOURS};" in twin
    dashes = re.search(r"DASHES = (\[.*?\]);", twin)
    assert dashes is not None
    assert len(json.loads(dashes[1])) == len(DASHES)


def test_the_texts_of_the_map_match_those_of_its_script() -> None:
    script = (STATIC / "core/map/words.js").read_text()
    keys = set(re.findall(r'[ {](\w+): "', script))
    assert len(keys) > 15
    html = Template("{% load maps %}{% map %}").render(Context())
    for key in keys:
        assert f"&quot;{key}&quot;" in html, key


SCRIPTS = [
    file
    for file in [*ROOT.glob("*/static/**/*.js"), *ROOT.glob("*/*/static/**/*.js")]
    if "vendor" not in file.parts and ".venv" not in file.parts
]
LAYERS = ("tenants", "dispatch", "lockers", "notifications", "portal", "console", "driver", "home")


def test_every_widget_that_a_template_names_is_a_file_that_mounts() -> None:
    modules = {
        name
        for file in TEMPLATES
        for name in re.findall(r'data-module="([^"]+)"', file.read_text(encoding="utf-8"))
    }
    assert {"console/board", "core/map", "core/panel"} <= modules
    widgets = {f"{file.parent.name}/{file.stem}": file for file in SCRIPTS}
    for name in modules:
        assert "export function mount(" in widgets[name].read_text() or (
            "export async function mount(" in widgets[name].read_text()
        ), name


def test_core_serves_no_file_of_a_module_above_it_and_each_module_keeps_to_its_folder() -> None:
    own = {file.relative_to(STATIC).parts[0] for file in STATIC.rglob("*.*")}
    assert own == {"core", "css", "icons", "js", "vendor"}
    assert not own & set(LAYERS)
    for file in SCRIPTS:
        if STATIC not in file.parents:
            static = next(p for p in file.parents if p.name == "static")
            assert file.relative_to(static).parts[0] == static.parent.name, file


def test_no_script_contains_a_url() -> None:
    names = r"(console|ws|api|members|audit|login|driver|roads|t|imports|settings|static)"
    typed = re.compile(rf"""["'`]/{names}[/"'`]""")
    for file in SCRIPTS:
        code = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert not typed.search(code), file


def test_the_address_of_static_files_changes_with_any_of_them(tmp_path: Path) -> None:
    folder = tmp_path / "room" / "static"
    folder.mkdir(parents=True)
    (folder / "a.js").write_text("1")
    first = assets.version(tmp_path)
    assert assets.version(tmp_path) == first
    (folder / "a.js").write_text("2")
    assert assets.version(tmp_path) != first


def test_static_files_are_kept_for_ever_and_come_before_any_retailer(client: Client) -> None:
    html = client.get("/login/").content.decode()
    address = re.search(r"/static/\w+/css/tokens\.css", html)[0]  # type: ignore[index]
    answer = client.get(address, headers={"host": "nobody.example"})
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


def test_a_theme_is_stored_and_never_redirects_to_another_site(client: Client) -> None:
    answer = client.post("/look/theme", {"theme": "dark", "next": "https://evil.example/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert answer.cookies["theme"].value == "dark"
    assert 'data-theme="dark"' in client.get("/login/").content.decode()
    assert "theme" not in client.post("/look/theme", {"theme": "<b>"}).cookies


def test_a_language_is_stored(client: Client) -> None:
    client.post("/look/language", {"language": "es", "next": "/login/"})
    assert 'lang="es"' in client.get("/login/").content.decode()


def test_the_content_security_policy_is_strict(client: Client, retailer: RetailerRef) -> None:
    policy = client.get("/login/").headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "*" not in policy
    assert "default-src 'none'" in policy


@pytest.mark.parametrize(
    ("logo", "source"),
    [
        ("https://cdn.example:8443/a.png", "https://cdn.example:8443"),
        ("https://cdn.example", "https://cdn.example"),
        ("https://cdn.example;script-src", None),
        ("https://*", None),
        ("/media/logo.png", None),
        ("", None),
    ],
)
def test_a_logo_adds_only_its_origin_to_the_policy(logo: str, source: str | None) -> None:
    request = RequestFactory().get("/")
    request.retailer = SimpleNamespace(brand=Brand(logo=logo))  # type: ignore[attr-defined]
    answer = HttpResponse()
    BrandedPolicyMiddleware(lambda _request: answer)(request)
    parts = [part.strip().partition(" ") for part in answer.headers[CSP].split(";")]
    policy = {name: value for name, _space, value in parts}
    assert policy["img-src"].removeprefix("'self' data: blob:").strip() == (source or "")
    assert policy["script-src"].startswith("'self'")


def test_a_query_keeps_the_filters_and_drops_the_cursor() -> None:
    request = RequestFactory().get("/o/?state=late&cursor=abc&q=a%26b")
    page = Template("{% load look %}{% query sort='name' state=None %}")
    assert page.render(Context({"request": request})) == "?q=a%26b&amp;sort=name"


def test_numbers_are_written_as_the_language_does() -> None:
    page = Template(
        "{% load look %}{{ 1506|money:'CLP' }}|{{ 150650|money:'EUR' }}|{{ 1234567|km }}"
    )
    written = {
        "en": "1,506 CLP|1,506.50 €|1,235 km",
        "es": "1.506 CLP|1.506,50 €|1.235 km",
    }
    for language, text in written.items():
        with translation.override(language):
            assert page.render(Context()).replace("\xa0", " ") == text


def test_numbers_have_their_unit_and_none_is_a_dash() -> None:
    page = Template(
        "{% load look %}{{ d|long_date }}|{{ 990|km }}|{{ 12400|km }}|{{ 3900|duration }}"
        "|{{ 45|duration }}|{{ 1440|clock_minutes }}|{{ 1500|clock_minutes }}"
        "|{{ 850|grams }}|{{ 12400|kg }}"
        "|{{ 1230|money:'EUR' }}|{{ 1230|money:'CLP' }}|{{ none|km }}"
        "{{ none|kg }}{{ none|duration }}"
    )
    with translation.override("en"):
        html = page.render(Context({"d": date(2026, 11, 22), "none": None}))
    assert html.replace("\xa0", " ").split("|") == [
        "Sunday, 22 November 2026", "990 m", "12.4 km", "1 h 05 min", "45 s", "24:00", "01:00 +1",
        "850 g", "12.4 kg", "12.30 €", "1,230 CLP", "–––",
    ]  # fmt: skip


def test_icons_that_point_along_the_line_are_marked_for_mirroring() -> None:
    assert "directional" in icon("arrow-right")
    assert "directional" in icon("send", "big", label="Send")
    assert "directional" not in icon("check")
    css = (ROOT / "lastmile/core/static/css/components.css").read_text()
    assert '[dir="rtl"] .icon.directional' in css


def test_styles_have_no_left_and_no_right() -> None:
    physical = re.compile(
        r"^\s*(?:(?:margin|padding|border)-(?:left|right)|left|right|float)\s*:"
        r"|text-align: (?:left|right)",
        re.MULTILINE,
    )
    for path in sorted((ROOT / "lastmile/core/static/css").glob("*.css")):
        assert not physical.findall(path.read_text()), path.name

"""A page is one file that can do nothing, and can be read in both schemes."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import re

import pytest
from jinja2 import UndefinedError

from archsweep.contract import Status
from archsweep.render import templating
from archsweep.render.page import page, policy
from archsweep.render.templating import TEMPLATES, pages

CSS = (TEMPLATES / "page.css").read_text(encoding="utf-8")
TEXTS = ("pass", "bad", "broken", "refused", "pending", "absent")
HOSTILE = "</style></title><script>alert(1)</script>\"'&\x1b[2J\u202e"


class _Parsed(html.parser.HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.meta: dict[str, str] = {}
        self.style = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        assert not {name for name in known if name.startswith("on") or name in ("style", "src", "srcset")}
        if tag == "meta" and "http-equiv" in known:
            self.meta[known["http-equiv"]] = known["content"]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "style":
            self.style += data


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> str:
    """A page whose title and content are hostile."""
    import jinja2

    bodies = jinja2.DictLoader({"body": '<h1 title="{{ text }}">{{ text }}</h1>\n'})
    environment = pages().overlay(loader=jinja2.ChoiceLoader([bodies, pages().loader]))
    monkeypatch.setattr("archsweep.render.page.pages", lambda: environment)
    return page(HOSTILE, "body", text=HOSTILE)


def test_the_policy_names_the_very_style_and_forbids_the_rest(made: str) -> None:
    found = _Parsed(made)
    digest = base64.b64encode(hashlib.sha256(found.style.encode()).digest()).decode()
    assert found.meta["Content-Security-Policy"] == policy(CSS)
    assert found.meta["Content-Security-Policy"].startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")
    assert found.tags == [
        "html",
        "head",
        "meta",
        "meta",
        "meta",
        "meta",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "h1",
    ]


def test_what_is_printed_is_text(made: str) -> None:
    assert "<script" not in made
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", made)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;\\x1b[2J\\u202e" in made


def test_a_long_text_is_cut_and_a_name_that_nobody_gave_is_an_error() -> None:
    text = pages().from_string("{{ text }}").render(text="x" * 1_000_000)
    assert len(text) < 11_000
    with pytest.raises(UndefinedError):
        pages().from_string("{{ nothing }}").render()
    assert templating.environment() is not pages()


def _schemes() -> list[dict[str, str]]:
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6});", block))
        for block in re.findall(r":root \{(.*?)\n *\}", CSS, re.DOTALL)
    )
    assert set(light) == set(dark)
    return [light, dark]


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    less, more = sorted((_luminance(one), _luminance(other)))
    return (more + 0.05) / (less + 0.05)


@pytest.mark.parametrize("scheme", _schemes(), ids=["light", "dark"])
def test_every_text_stands_out_from_its_ground(scheme: dict[str, str]) -> None:
    """WCAG AA: 4.5 to 1."""
    pairs = [(name, ground) for name in ("text", "soft", "link") for ground in ("ground", "raised")]
    pairs += [(name, f"{name}-ground") for name in TEXTS] + [("absent", "ground")]
    assert {pair: ratio for pair in pairs if (ratio := _contrast(scheme[pair[0]], scheme[pair[1]])) < 4.5} == {}


def test_every_status_has_a_look() -> None:
    plain = {Status.UNAVAILABLE, Status.INAPPLICABLE}  # what .status itself looks like
    assert {status for status in Status if f".status.{status}" not in CSS} == plain

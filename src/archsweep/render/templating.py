"""Where templates lie, and how they are filled: what a template names and nobody gave is an error, never nothing."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from archsweep.render.words import plain

TEMPLATES = Path(__file__).with_name("templates")


@functools.cache
def environment() -> Any:
    """The Jinja environment; only what ends in .svg or .html is escaped as markup."""
    import jinja2

    return jinja2.Environment(
        **_common(),
        autoescape=jinja2.select_autoescape(("svg.j2", "html.j2"), default=False, default_for_string=False),
    )


@functools.cache
def pages() -> Any:
    """The Jinja environment of HTML: all is escaped, and all that is printed goes through `words.plain` before."""
    import jinja2

    return jinja2.Environment(**_common(), autoescape=True, finalize=_plain)


def _common() -> dict[str, Any]:
    import jinja2

    return {
        "loader": jinja2.FileSystemLoader(TEMPLATES), "trim_blocks": True, "lstrip_blocks": True,
        "undefined": jinja2.StrictUndefined, "keep_trailing_newline": True,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value

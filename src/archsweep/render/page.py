"""The frame of a page that is one file: no script, no request, its style inline and named by its hash.

`page` fills a template of `templates/`, which holds what stands inside `<main>`. Everything that a template prints is
escaped, and control and format characters in it are written out (`templating.pages`), wherever it came from.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Any

from archsweep.render.templating import TEMPLATES, pages

_STYLE = "page.css"


def page(title: str, body: str, *, styles: Sequence[str] = (), **values: Any) -> str:
    """A whole HTML document. `body` names the template of its content, `styles` CSS files that follow `page.css`."""
    from markupsafe import Markup

    style = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in (_STYLE, *styles))
    frame = pages().get_template("page.html.j2")
    text: str = frame.render(title=title, body=body, style=Markup(style), policy=policy(style), **values)
    return text


def policy(style: str) -> str:
    """The Content-Security-Policy of a page that holds this one `<style>` and nothing else that acts or loads."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"

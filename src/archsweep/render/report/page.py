"""A report as one HTML file: no script, no request, and a policy under which none could be."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from archsweep.analysis.matrix import Cell
from archsweep.analysis.report import Report
from archsweep.render.report import parts
from archsweep.render.templating import TEMPLATES, environment

_WHOLE = 1000  # the width of a bar, in its own units


def html(report: Report, top: int) -> str:
    """The page, with the first `top` root causes."""
    from markupsafe import Markup

    style = "\n" + (TEMPLATES / "report.css").read_text(encoding="utf-8")
    page: str = (
        environment()
        .get_template("report.html.j2")
        .render(
            policy=policy(style), style=Markup(style), title=parts.title(report), headline=parts.headline(report),
            facts=list(parts.facts(report)), platforms=parts.platforms(report), checks=parts.checks(report),
            bars=[_bar(cell) for cell in report.platforms], changed=parts.changed(report),
            changes=list(parts.changes(report)), causes=parts.causes(report, top),
            causes_told=parts.causes_told(report, top), causes_left_out=max(0, len(report.causes) - top),
            rest_of_causes=parts.rest_of_causes(report), slowest=parts.slowest(report),
            heaviest=parts.heaviest(report), environments=parts.environments(report), whole=parts.whole(report),
        )
    )  # fmt: skip
    return page


def policy(style: str) -> str:
    """A Content-Security-Policy that allows this style and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _bar(cell: Cell) -> list[dict[str, Any]]:
    """Its parts from left to right, as wide as they count."""
    found, start = [], 0.0
    for status, count in parts.segments(cell):
        width = _WHOLE * count / cell.applicable
        found.append({"status": status, "start": round(start, 1), "width": round(width, 1)})
        start += width
    return found

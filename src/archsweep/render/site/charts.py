"""Charts as SVG, drawn beforehand by Vega-Lite: nothing is drawn, loaded or evaluated in the page.

A drawing knows no colour scheme. Its colours (#010101, #020202, …) are names that the style sheet replaces, in light
and dark; so are its rules (#dddddd) and axes (#888888).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsweep.errors import ArchsweepError
from archsweep.render.words import line

INSTALL = "pip install 'archsweep[dashboard]'"
SERIES = tuple(f"#0{number}0{number}0{number}" for number in range(1, 9))
_CONFIG = {
    "background": None, "font": "sans-serif", "view": {"stroke": None},
    "range": {"category": list(SERIES)},
    "axis": {
        "gridColor": "#dddddd", "domainColor": "#888888", "tickColor": "#888888", "tickCount": 6, "labelLimit": 220,
    },
    "legend": {"labelLimit": 260},
}  # fmt: skip
_BACKGROUND = re.compile(r'<rect width="[\d.]+" height="[\d.]+" fill="white"/>')
WIDTH = 860
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Chart:
    svg: Any  # Markup
    caption: str


def drawn(spec: Mapping[str, Any], title: str) -> Any:
    """The SVG of a Vega-Lite specification as markup, with a title for those who hear it. Raises ArchsweepError."""
    from markupsafe import Markup, escape

    try:
        import vl_convert
    except ImportError as error:
        raise ArchsweepError(f"the charts need vl-convert-python: {error}", f"Install: {INSTALL}") from error
    whole = {"$schema": "https://vega.github.io/schema/vega-lite/v6.json", "config": _CONFIG, **spec}
    text: str = vl_convert.vegalite_to_svg(whole)
    text = _BACKGROUND.sub("", text, count=1)
    opening, rest = text.split(">", 1)
    opening = f'{opening} role="img" aria-label="{escape(line(title, 200))}"'
    return Markup(f"{opening}>{rest}")


def durations(cells: Sequence[Row]) -> Chart:
    """How long the cases of each check took on each platform: the spread over all classes."""
    values = [
        {"check": line(row["check"], 40), "platform": line(row["platform"], 40), "s": max(row["wall_s"], 1e-4)}
        for row in cells if row["status"] in ("pass", "fail")
    ]  # fmt: skip
    spec = {
        "data": {"values": _quantiles(values, ("check", "platform"), "s")},
        "height": {"step": 13}, "width": WIDTH,
        "encoding": {
            "y": {"field": "check", "type": "nominal", "title": None},
            "yOffset": {"field": "platform", "type": "nominal"},
            "color": {"field": "platform", "type": "nominal", "title": "platform"},
        },
        "layer": _boxes("seconds a case, logarithmic"),
    }  # fmt: skip
    return Chart(
        svg=drawn(spec, "How long the cases of each check took"),
        caption="Seconds that a case took in the sweep: thick from the first to the third quartile, thin from the 5th "
        "to the 95th hundredth, the tick is the median. Cases that share a model build it once: the first pays.",
    )


def latencies(rows: Sequence[Row]) -> Chart:
    """Steady latency of every measured class, by platform."""
    values = [{"platform": line(row["platform"], 40), "ms": 1000 * row["metrics"]["steady_s"]} for row in rows]
    spec = {
        "data": {"values": values}, "height": {"step": 46}, "width": WIDTH,
        "mark": {"type": "tick", "thickness": 1.5, "opacity": 0.7},
        "encoding": {
            "x": _logarithmic("ms", "milliseconds a forward pass, logarithmic"),
            "y": {"field": "platform", "type": "nominal", "title": None},
            "color": {"field": "platform", "type": "nominal", "legend": None},
        },
    }  # fmt: skip
    return Chart(
        svg=drawn(spec, "Steady latency by platform"),
        caption="The median of steady runs, a tick for each measured class (tiny weights).",
    )


def memory(rows: Sequence[Row]) -> Chart | None:
    """Peak memory of the worker against the parameters of its model."""
    values = [
        {"platform": line(row["platform"], 40), "mb": row["metrics"]["peak_host_mb"], "n": row["metrics"]["parameters"]}
        for row in rows if row["metrics"].get("peak_host_mb") and row["metrics"].get("parameters")
    ]  # fmt: skip
    if not values:
        return None
    spec = {
        "data": {"values": values}, "height": 220, "width": WIDTH,
        "mark": {"type": "point", "filled": True, "opacity": 0.7},
        "encoding": {
            "x": _logarithmic("n", "parameters, logarithmic"),
            "y": {"field": "mb", "type": "quantitative", "title": "peak MB of the worker", "scale": {"zero": False}},
            "color": {"field": "platform", "type": "nominal"},
        },
    }  # fmt: skip
    return Chart(
        svg=drawn(spec, "Peak memory"), caption="The peak of the worker's resident memory, libraries included."
    )


def trends(rows: Sequence[Row], most: int = 8) -> Chart | None:
    """Steady latency over time of the cases that were measured most often, each against its first measurement."""
    by_case: dict[str, list[Row]] = {}
    for row in rows:
        by_case.setdefault(row["case"], []).append(row)
    chosen = sorted((case for case in by_case if len(by_case[case]) > 1), key=lambda case: (-len(by_case[case]), case))
    values = []
    for case in chosen[:most]:
        series = sorted(by_case[case], key=lambda row: row["finished_at"])
        first = series[0]["metrics"]["steady_s"] or 1.0
        values += [
            {"case": line(case, 80), "at": row["finished_at"], "ratio": row["metrics"]["steady_s"] / first}
            for row in series
        ]
    if not values:
        return None
    spec = {
        "data": {"values": values}, "height": 220, "width": WIDTH, "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "at", "type": "temporal", "title": None},
            "y": {"field": "ratio", "type": "quantitative", "title": "times the first measurement"},
            "color": {"field": "case", "type": "nominal", "title": None},
        },
    }  # fmt: skip
    return Chart(
        svg=drawn(spec, "Latency over time"), caption="Steady latency over time, against the first measurement."
    )


def _logarithmic(field: str, title: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title, "scale": {"type": "log"}}


def _boxes(title: str) -> list[dict[str, Any]]:
    scale = {"type": "log"}
    x = {"type": "quantitative", "title": title, "scale": scale}
    return [
        {"mark": {"type": "rule"}, "encoding": {"x": {"field": "p05", **x}, "x2": {"field": "p95"}}},
        {"mark": {"type": "bar", "size": 7}, "encoding": {"x": {"field": "p25", **x}, "x2": {"field": "p75"}}},
        {"mark": {"type": "tick", "size": 11, "thickness": 2}, "encoding": {"x": {"field": "p50", **x}}},
    ]


def _quantiles(values: Sequence[Row], by: Sequence[str], field: str) -> list[dict[str, Any]]:
    groups: dict[tuple[Any, ...], list[float]] = {}
    for value in values:
        groups.setdefault(tuple(value[name] for name in by), []).append(value[field])
    found = []
    for key, numbers in groups.items():
        ordered = sorted(numbers)
        at = {name: ordered[round(share * (len(ordered) - 1))] for name, share in _SHARES.items()}
        found.append({**dict(zip(by, key, strict=True)), **at, "count": len(ordered)})
    return found


_SHARES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}

"""The pages of the dashboard: which there are, and what each is made of. The same for a folder and for a server.

A page is made when it is asked for. It loads only its own style, scripts and data, by relative paths, so that it works
from a file, from any folder of any host, and without a network; its policy forbids everything else.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from archsweep.analysis import causes, coverage, overview
from archsweep.analysis.model_page import Ending, ModelPage, Worked
from archsweep.analysis.report import Report
from archsweep.analysis.snapshot import Row, Snapshot
from archsweep.errors import ArchsweepError
from archsweep.render import coverage as coverage_text
from archsweep.render import model_code, words
from archsweep.render.site import charts, matrix_data, run_data
from archsweep.render.site.names import slug
from archsweep.render.templating import TEMPLATES, pages
from archsweep.settings import DEFAULT_PLATFORM

STATIC = TEMPLATES / "site" / "static"
MENU = (
    ("index.html", "Overview"), ("matrix.html", "Matrix"), ("models.html", "Models"), ("platforms.html", "Platforms"),
    ("runs.html", "Runs"), ("compare.html", "Compare"), ("performance.html", "Performance"),
    ("coverage.html", "Coverage"),
)  # fmt: skip
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src {connect}; "
    "base-uri 'none'; form-action 'none'"
)


class NoPage(ArchsweepError):
    """There is no such page."""


class Site:
    """The pages of one snapshot. `paths` says which there are, `content` makes one; `most`: runs that have pages."""

    def __init__(self, snapshot: Snapshot, most: int | None = None) -> None:
        self.snapshot = snapshot
        self.kept = overview.run_rows(snapshot)[:most]
        self._makers: dict[str, Callable[[], str | bytes]] = {
            "index.html": self._index, "matrix.html": lambda: self._page("matrix.html", "Matrix", wide=True),
            "models.html": lambda: self._page("models.html", "Models", models=self.models),
            "platforms.html": lambda: self._page("platforms.html", "Platforms", platforms=self.platforms),
            "runs.html": lambda: self._page("runs.html", "Runs", runs=self.runs, progress=snapshot.progress),
            "compare.html": lambda: self._page("compare.html", "Compare two runs", runs=self.kept),
            "performance.html": self._performance, "coverage.html": self._coverage,
            "data/matrix.js": lambda: matrix_data.as_script(snapshot),
            "data/runs.js": lambda: run_data.listed(self.kept),
        }  # fmt: skip
        for path in sorted(STATIC.iterdir()):
            if path.name != "live.js" or snapshot.live:
                self._makers[f"static/{path.name}"] = path.read_bytes
        for row in self.platforms:
            self._makers[f"platforms/{slug(row.name)}.html"] = functools.partial(self._platform, row)
        for item in self.models:
            self._makers[f"models/{slug(item.name)}.html"] = functools.partial(self._model, item)
        for run in self.kept:
            self._makers[f"runs/{slug(run.run)}.html"] = functools.partial(self._run, run)
            self._makers[f"data/runs/{slug(run.run)}.js"] = functools.partial(self._endings, run.run)

    def paths(self) -> list[str]:
        return list(self._makers)

    def content(self, path: str) -> bytes:
        """One file of the site. Raises NoPage."""
        if path not in self._makers:
            raise NoPage(f"there is no page {path!r}", "Begin at index.html.")
        made = self._makers[path]()
        return made if isinstance(made, bytes) else made.encode("utf-8")

    @functools.cached_property
    def platforms(self) -> list[overview.PlatformRow]:
        return overview.platform_rows(self.snapshot)

    @functools.cached_property
    def models(self) -> list[overview.ModelRow]:
        return overview.model_rows(self.snapshot)

    @functools.cached_property
    def runs(self) -> list[overview.RunRow]:
        return overview.run_rows(self.snapshot)

    @functools.cached_property
    def coverage(self) -> coverage.Coverage:
        known = self.snapshot
        return coverage.covered(known.subjects, known.cells, known.collected, known.transformers_version, known.absent)

    def _page(self, template: str, title: str, *, current: str = "", **values: Any) -> str:
        known, depth = self.snapshot, 1 if current else 0
        shared = {
            "title": title, "current": current or template, "root": "../" * depth, "menu": MENU, "live": known.live,
            "policy": _POLICY.format(connect="'self'" if known.live else "'none'"), "wide": False,
            "transformers_version": known.transformers_version, "types": len(self.models),
            "version": known.version, "classes": len(known.subjects), "cells": f"{len(known.cells):,}",
            "newest": max((row["finished_at"] for row in known.cells), default="")[:16].replace("T", " "),
            "symbols": words.SYMBOLS, "grounds": words.EVIDENCE_SYMBOLS, "slug": slug, "line": words.line,
            "verdict": words.verdict, "ground_of": words.ground, "beside": words.beside,
            "default_platform": DEFAULT_PLATFORM, "kept": {run.run for run in self.kept},
        }  # fmt: skip
        text: str = pages().get_template(f"site/{template}.j2").render(**{**shared, **values})
        return text

    def _index(self) -> str:
        matrix = overview.bases(self.snapshot)
        return self._page(
            "index.html", "Overview", platforms=self.platforms, matrix=matrix, runs=self.runs,
            phases=coverage_text.tables(self.coverage)[0][1], causes=causes.causes(self.snapshot.cells),
        )  # fmt: skip

    def _platform(self, row: overview.PlatformRow) -> str:
        own = [cell for cell in self.snapshot.cells if cell["platform"] == row.name]
        return self._page(
            "platform.html", row.name, current="platforms.html", row=row, causes=causes.causes(own),
            checks=overview.check_rows(self.snapshot, row.name),
            environment=self.snapshot.environments.get(row.fingerprint),
        )  # fmt: skip

    def model(self, model_type: str) -> ModelPage:
        """All that is known of a model type. Raises NoPage."""
        if not any(item.name == model_type for item in self.models):
            raise NoPage(f"there is no model type {model_type!r}", "All of them: archsweep list models")
        return self.snapshot.model(model_type)

    def report(self, run: str) -> Report:
        """The report of a run. Raises NoPage."""
        self._known(run)
        return self.snapshot.report(run)

    def endings(self, run: str) -> Sequence[Row]:
        """What a run reports, with what it took over. Raises NoPage."""
        self._known(run)
        return self.snapshot.endings(run)

    def _known(self, run: str) -> None:
        if not any(item.run == run for item in self.runs):
            raise NoPage(f"there is no run {run!r}", "All of them: archsweep query 'select run, started_at from runs'")

    def _model(self, item: overview.ModelRow) -> str:
        page = self.snapshot.model(item.name)
        plain = [ending for ending in page.endings if not _unusual(ending)]
        by_place: dict[tuple[str, str], dict[str, Ending]] = {}
        for ending in plain:
            by_place.setdefault((ending.class_name, ending.check), {})[ending.platform] = ending
        made = next(iter(page.made), None)
        return self._page(
            "model.html", item.name, current="models.html", page=page, made=made, worked=_base(page),
            places=[place.name for place in matrix_data.places(self.snapshot) if place.name in page.platforms],
            shown_on=sorted({ending.platform for ending in plain}),
            code=model_code.building(made) if made and made.config else "",
            results=[(*key, found) for key, found in by_place.items()],
            others=[ending for ending in page.endings if _unusual(ending)],
            parameters={item.class_name: item.parameters for item in page.made},
        )  # fmt: skip

    def _run(self, run: overview.RunRow) -> str:
        report = self.snapshot.report(run.run)
        return self._page("run.html", f"Run {run.run}", current="runs.html", report=report)

    def _endings(self, run: str) -> str:
        return run_data.endings(slug(run), self.snapshot.endings(run))

    def _performance(self) -> str:
        measured = self.snapshot.measured()
        newest = {row["case"]: row for row in sorted(measured, key=lambda row: str(row["finished_at"]))}
        rows = sorted(newest.values(), key=lambda row: str(row["case"]))
        drawn = [charts.latencies(rows), charts.memory(rows), charts.trends(measured)] if rows else []
        if self.snapshot.cells:
            drawn.append(charts.durations(self.snapshot.cells))
        return self._page(
            "performance.html",
            "Performance",
            charts=[chart for chart in drawn if chart],
            rows=[_measured(row) for row in rows],
        )

    def _coverage(self) -> str:
        known = self.coverage
        met = coverage.met(known)
        return self._page(
            "coverage.html", "Coverage", headline=coverage_text.headline(known), guide=coverage_text.GUIDE,
            tables=coverage_text.tables(known), checks=known.checks,
            criteria=[(str(name), f"{some} of {all_}" if all_ else "not judged") for name, (some, all_) in met.items()],
            left=[item for item in known.architectures if item.reason],
        )  # fmt: skip


def _unusual(ending: Ending) -> bool:
    return ending.dtype != ending.default_dtype or bool(ending.options)


def _base(page: ModelPage) -> list[Worked]:
    """The code of one class, of the base class where it worked anywhere."""
    names = list(dict.fromkeys(item.class_name for item in page.worked))
    base = page.base.name if page.base else ""
    chosen = base if base in names else next(iter(names), "")
    return [item for item in page.worked if item.class_name == chosen]


def _measured(row: Row) -> dict[str, Any]:
    metrics = row["metrics"]
    seconds = ("steady_s", "steady_spread_s", "first_run_s", "compile_s", "build_s")
    return {
        **{name: row[name] for name in ("model_type", "class_name", "platform", "fingerprint")},
        "variant": matrix_data.variant(row), "parameters": metrics.get("parameters"),
        "figures": [*(_thousandfold(metrics.get(name)) for name in seconds), metrics.get("peak_host_mb")],
    }  # fmt: skip


def _thousandfold(value: float | None) -> float | None:
    return None if value is None else 1000 * value

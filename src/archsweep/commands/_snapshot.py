"""What the dashboard and the server show: everything that a database knows, beside the installed transformers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from archsweep.analysis.model_page import ModelPage
from archsweep.analysis.report import Report
from archsweep.analysis.snapshot import Place, Row, Snapshot


def snapshot(database: Path, universe: Any, *, live: bool = False) -> Snapshot:
    """`universe`: the catalog of the installed transformers. Raises DatabaseError where the database cannot be read."""
    from archsweep import registry
    from archsweep.archs import roadmap
    from archsweep.encoding import encode
    from archsweep.render.pytest_files import file_name
    from archsweep.store import measured, read, runs, speaking

    mapped = [subject for subject in universe.subjects if subject.mappings]
    families = {file_name(subject.family): subject.family for subject in mapped}
    collected = [
        {"families": [families[name] for name in run["files"] if name in families], "model_types": run["model_types"]}
        for run in read.collected(database, universe.transformers_version)
    ]
    subjects = [encode(subject) for subject in mapped]
    return Snapshot(
        database=str(database), transformers_version=universe.transformers_version,
        subjects=subjects, cells=read.cells(database),
        changed_at=speaking.changed_at(database), notes=read.platform_fingerprints(database), runs=read.runs(database),
        environments=read.environments(database), platforms=_platforms(),
        checks={name: module.question for name, module in registry.loadable("checks").items()},
        endings=functools.partial(runs.rows, database), report=functools.partial(_report, database),
        model=_models(database, subjects, live=live), measured=functools.partial(measured.measured, database),
        collected=collected, absent=roadmap.absent(), live=live,
    )  # fmt: skip


def _report(database: Path, run: str) -> Report:
    from archsweep.commands import _reporting

    with _reporting.source(run, database) as found:
        return _reporting.made(found)


def _models(database: Path, subjects: Sequence[Row], *, live: bool) -> Callable[[str], ModelPage]:
    """Makes the page of a model type. A site reads all of them at once, a server the one that it is asked for."""
    from archsweep.analysis import model_page
    from archsweep.store import models, read, runs

    by_type: dict[str, list[Row]] = {}
    for row in subjects:
        by_type.setdefault(row["model_type"], []).append(row)

    @functools.cache
    def known() -> dict[str, models.ModelRows]:
        return models.model_rows(database)

    @functools.cache
    def shared() -> dict[str, Any]:
        every = {run["run"] for run in read.runs(database)}
        return {"known": model_page.usages(), "asked": runs.options(database, every)}

    def page(model_type: str) -> ModelPage:
        rows = (models.model_rows(database, [model_type]) if live else known()).get(model_type, models.ModelRows())
        classes = by_type.get(model_type) or rows.subjects
        return model_page.page(model_type, classes, rows.cells, rows.history, **shared())

    return page


def _platforms() -> list[Place]:
    from archsweep import registry

    return [
        Place(name=name, title=module.title, priority=str(module.priority))
        for name, module in registry.loadable("platforms").items()
    ]

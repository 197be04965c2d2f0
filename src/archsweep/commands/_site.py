"""Builds the dashboard's folder, and says how far it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any


def build(database: Path, folder: Path, universe: Any, most: int) -> tuple[int, int]:
    """(files, bytes) of the site of a database. Raises ArchsweepError before anything is written."""
    from archsweep.commands._snapshot import snapshot
    from archsweep.errors import DatabaseError
    from archsweep.render.site import folder as site_folder
    from archsweep.render.site.pages import Site

    site_folder.check(folder)
    known = snapshot(database, universe)
    if not known.cells:
        raise DatabaseError(f"{database} has no results yet", "A sweep makes some: archsweep run --base")
    with _Bar() as told:
        return site_folder.write(Site(known, most), folder, told)


class _Bar:
    """A bar on a terminal, nothing elsewhere."""

    def __enter__(self) -> Any:
        from rich.console import Console
        from rich.progress import Progress

        self._bar = Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())
        self._bar.start()
        task = self._bar.add_task("writing pages")
        return lambda done, all_: self._bar.update(task, completed=done, total=all_)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

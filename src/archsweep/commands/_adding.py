"""Generates the files of model folders and verifies them, some at a time; results go into the database as they come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsweep.commands._reading import count

if TYPE_CHECKING:
    from archsweep.commands._generating import Generated
    from archsweep.commands._verifying import Verified

AT_ONCE = 8  # files in one call of pytest: what a kill costs, against importing torch anew


@dataclass(frozen=True, kw_only=True)
class Added:
    """What became of one model folder."""

    family: str
    path: Path
    fault: str  # "" where its file compiles, is collected and passes
    passed: int = 0
    skipped: int = 0


def check_database(database: Path) -> None:
    """Raises DatabaseError where no results could be kept there; makes none."""
    import tempfile

    from archsweep.errors import DatabaseError
    from archsweep.store.database import prepare

    folder = database.absolute().parent
    if database.exists() or not folder.is_dir():
        prepare(database)
        return
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise DatabaseError(f"cannot create {database}: {error.strerror}") from error


def generated(families: Sequence[str], given: Mapping[str, Any]) -> Generated:
    """The files of these model folders, written. Raises ArchsweepError before anything is."""
    from archsweep.commands import _generating
    from archsweep.render import file_tree

    folder = given["folder"]
    wanted = _generating.Wanted(names=tuple(families), folder=folder)
    made = _generating.generated(wanted, {"template": None, **given})
    file_tree.write(folder, file_tree.changes(folder, made.files))
    return made


def verified(made: Generated, given: Mapping[str, Any]) -> Iterator[Added]:
    """Run these files on the CPU, a few at a time."""
    from archsweep.commands import _verifying

    files = [(item.family, given["folder"] / item.name) for item in made.files]
    for start in range(0, len(files), AT_ONCE):
        group = files[start : start + AT_ONCE]
        found: list[Verified] = _verifying.verified([path for _, path in group], given)
        for (family, path), item in zip(group, found, strict=True):
            yield Added(family=family, path=path, fault=item.fault, passed=item.passed, skipped=item.skipped)


def told(made: Generated, given: Mapping[str, Any]) -> dict[str, Any]:
    """Verify these files and print how each went; returns the summary, as JSON values."""
    passed: list[str] = []
    failed: dict[str, str] = {}
    tests = 0
    for number, item in enumerate(verified(made, given), start=1):
        place = f"{number} of {len(made.files)}: {item.path}"
        if item.fault:
            failed[item.family] = item.fault
            click.echo(f"{place}: fails: {item.fault}")
        else:
            passed.append(item.family)
            skipped = f", {item.skipped} skipped" if item.skipped else ""
            click.echo(f"{place}: {count(item.passed, 'test')} passed{skipped}")
        tests += item.passed
    for family, reason in sorted(made.lacking.items()):
        click.echo(f"not made: {family}: {reason}")
    click.echo(f"{len(passed)} of {count(len(made.files), 'file')} compile, collect and pass")
    return {"passed": passed, "failed": failed, "not_made": dict(made.lacking), "tests": tests}

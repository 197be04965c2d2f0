"""`archsweep coverage`: how much of the universe is generated, executed and verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsweep.commands._reading import check_words, database_option, database_path, write_file
from archsweep.commands._selection import split, universe_options
from archsweep.errors import EXIT_FINDINGS, EXIT_OK, SettingsError

if TYPE_CHECKING:
    from archsweep.analysis.coverage import Coverage


@click.command(short_help="What is generated, executed, verified, complete.")
@database_option
@click.option(
    "--by", "names", multiple=True, metavar="NAME", help="phase, category, architecture, platform, check, criterion."
)
@click.option("--fail-under", type=click.FloatRange(0, 100), metavar="PERCENT", help="Exit 1 if fewer are verified.")
@click.option(
    "--write", "folder", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER",
    help="Write HF_COVERAGE_REPORT.md and HF_COVERAGE_DETAILS.md there.",
)  # fmt: skip
@click.option("--made-by", "made_by", default="", metavar="COMMAND", help="What the report says made the results.")
@click.option(
    "--update", "readme", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="README",
    help="Refresh the table between the markers of a README, and coverage.svg beside it.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One object.")
@universe_options
def command(database: str | None, names: tuple[str, ...], **given: Any) -> int:
    """How much of transformers is generated, executed and verified, and what is complete.

    Everything is counted from stored results, under the installed release of transformers: a test file counts once a
    run has collected it and kept results of it (`archsweep generate --verify --save-results DB`, or `pytest
    --save-results DB`), an architecture once it was verified. Deleting results lowers the numbers; a file that nobody
    ran does not raise them.

    \b
    archsweep coverage
    archsweep coverage --by phase --by category
    archsweep coverage --fail-under 95               in CI: exit 1 below 95 % verified
    archsweep coverage --write . --update README.md  reports, table and badge
    \b
    Exit codes: 0 all is well, 1 below --fail-under, 2 wrong usage.
    """
    from archsweep.render import coverage as rendering
    from archsweep.render.terminal import console

    wanted = split(names, "--by")
    check_words("breakdown", wanted, rendering.BREAKDOWNS)
    found = _covered(database_path(database), given)
    _write(found, given["folder"], given["readme"], given["made_by"])
    if given["as_json"]:
        click.echo(json.dumps(rendering.as_json(found)))
    else:
        rendering.show(found, console(), wanted)
    if given["fail_under"] is not None and found.percent < given["fail_under"]:
        click.echo(f"{rendering.percent(found.percent)} verified, fewer than {given['fail_under']:g} %", err=True)
        return EXIT_FINDINGS
    return EXIT_OK


def _covered(database: Path, given: dict[str, Any]) -> Coverage:
    """What the database knows of the installed transformers."""
    from archsweep.analysis import coverage
    from archsweep.archs import roadmap
    from archsweep.commands._selection import catalog
    from archsweep.encoding import encode
    from archsweep.render.pytest_files import file_name
    from archsweep.store import read

    universe = catalog(given["imports"], trust_remote_code=given["trust_remote_code"])
    mapped = [subject for subject in universe.subjects if subject.mappings]
    families = {file_name(subject.family): subject.family for subject in mapped}
    collected = [
        {"families": [families[name] for name in run["files"] if name in families], "model_types": run["model_types"]}
        for run in read.collected(database, universe.transformers_version)
    ]
    return coverage.covered(
        [encode(subject) for subject in mapped], read.cells(database), collected, universe.transformers_version,
        roadmap.absent(),
    )  # fmt: skip


def _write(found: Coverage, folder: Path | None, readme: Path | None, made_by: str) -> None:
    """All texts are made before the first is written."""
    from archsweep.render import coverage as rendering

    texts: dict[Path, str] = {}
    if folder is not None:
        texts |= {
            folder / rendering.REPORT: rendering.report(found, made_by),
            folder / rendering.DETAILS: rendering.details(found),
        }
    if readme is not None:
        place = readme.parent / "docs" if (readme.parent / "docs").is_dir() else readme.parent
        badge = place / rendering.BADGE
        inner = rendering.section(found, badge.relative_to(readme.parent).as_posix())
        texts |= {
            badge: rendering.badge(found),
            readme: rendering.updated(readme, _text(readme), inner),
        }
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_file(path, text)
            click.echo(f"written: {path}", err=True)
    except OSError as error:
        raise SettingsError(f"{error.filename or folder} cannot be written: {error.strerror}") from error


def _text(path: Path) -> str:
    """With the ends of its lines as they are."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error

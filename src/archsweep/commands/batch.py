"""`archsweep batch`: the next architectures by priority, from no file to recorded results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsweep.commands._reading import count, database_option
from archsweep.commands._selection import split, universe_options
from archsweep.encoding import encode
from archsweep.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from archsweep.analysis.backlog import Waiting
    from archsweep.archs.catalog import Catalog
    from archsweep.archs.selection import Selection

FOLDER = Path("tests/models")
DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command(short_help="The next architectures by priority: generate, run, verify, record.")
@click.argument("number", type=click.IntRange(min=1), metavar="N")
@click.option("--category", "categories", multiple=True, metavar="NAME", help="Category, e.g. text-encoders.")
@click.option("--priority", "priorities", multiple=True, metavar="NAME", help="critical, high, medium or low.")
@click.option("--phase", "phases", multiple=True, metavar="NUMBER", help="Phase of the roadmap, 1 to 6.")
@click.option("--untried", is_flag=True, help="Go past what was tried with this transformers and is not done.")
@click.option("--output-dir", "folder", type=DIRECTORY, default=FOLDER, show_default=True, help="Where files go.")
@database_option
@click.option("--dry-run", is_flag=True, help="Only show what is next.")
@click.option("--jobs", metavar="NUMBER", help="Workers at a time; default: one for each core.")
@click.option("--cache", metavar="FOLDER", help="Where catalog and specifications are kept.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--json", "as_json", is_flag=True, help="The last line of the output is the summary as JSON.")
@universe_options
def command(number: int, **given: Any) -> int:
    """The next N model folders that are not done: generate their files, run and verify them, record the results.

    The next are the most wanted: by phase of the roadmap, then by priority of the category, then by use (by other
    families, by pipelines, by heads) and cost, one kind of architecture not many times in a row. Done is a folder when
    a generated file of it was run with its results in the database, and the base class of its first model type passes
    forward and parity on the CPU with the installed transformers.

    \b
    archsweep batch 10
    archsweep batch 4 --phase 1 --output-dir tests/models --db archsweep.duckdb
    archsweep batch 20 --dry-run
    archsweep batch 20 --untried             leave what did not pass for later

    What was interrupted, or does not pass, is next again. A file that was written by hand is left alone.

    \b
    Exit codes: 0 all pass, or nothing is left to do, 1 a file fails or could not be made,
    2 wrong usage.
    """
    from archsweep import settings
    from archsweep.archs.selection import Selection
    from archsweep.commands import _adding
    from archsweep.commands._selection import catalog
    from archsweep.render import difference
    from archsweep.render.terminal import console

    narrowed = Selection(
        categories=split(given["categories"], "--category"),
        priorities=split(given["priorities"], "--priority"),
        phases=split(given["phases"], "--phase"),
    )
    database = settings.load({"db": given["database"]})["db"].value
    library = catalog(given["imports"], trust_remote_code=given["trust_remote_code"], cache=given["cache"])
    every, left = _waiting(library, narrowed, database, given["folder"])
    ready = [item for item in every if not (given["untried"] and item.tried)]
    chosen = ready[:number]
    if chosen:
        difference.show_waiting(chosen, console())
    click.echo(f"{count(len(chosen), 'model folder')} next, {len(ready) - len(chosen)} after that")
    for path in left:
        click.echo(f"left alone: {path}: written by hand")
    summary = {
        "transformers": library.transformers_version, "chosen": encode(chosen), "waiting": len(every),
        "left_alone": left,
    }  # fmt: skip
    code = EXIT_OK
    if chosen and not given["dry_run"]:
        _adding.check_database(database)
        given["database"] = str(database)
        summary |= _adding.told(_adding.generated([item.family for item in chosen], given), given)
        after = {item.family: item.why for item in _waiting(library, narrowed, database, given["folder"])[0]}
        summary |= {"waiting": len(after), "not_done": _undone(chosen, after)}
        code = EXIT_FINDINGS if summary["failed"] or summary["not_made"] else EXIT_OK
        click.echo(f"{len(after)} still to be done; results in {database}")
    if given["as_json"]:
        click.echo(json.dumps(summary))
    return code


def _waiting(library: Catalog, narrowed: Selection, database: Path, folder: Path) -> tuple[list[Waiting], list[str]]:
    """The model folders that are not done, and those of their files that were written by hand, which are left out."""
    from archsweep.analysis import backlog
    from archsweep.archs.selection import Selection, choose
    from archsweep.render import file_tree
    from archsweep.render.pytest_files import file_name
    from archsweep.settings import DEFAULT_PLATFORM
    from archsweep.store import read

    wanted, every = choose(library, narrowed), choose(library, Selection())
    there = database.exists()
    cells = read.cells(database, platforms=(DEFAULT_PLATFORM,), every_fingerprint=True) if there else []
    version = library.transformers_version
    runs = read.collected(database, version) if there else []
    collected = {(file, model_type) for run in runs for file in run["files"] for model_type in run["model_types"]}
    found = list(backlog.waiting(wanted, every, cells, collected, version, file_name))
    left = [item for item in found if file_tree.by_hand(folder / item.file)]
    return [item for item in found if item not in left], [str(folder / item.file) for item in left]


def _undone(chosen: list[Waiting], after: dict[str, str]) -> dict[str, str]:
    """Why what was chosen is not done yet, printed as well."""
    undone = {item.family: after[item.family] for item in chosen if item.family in after}
    for family, why in undone.items():
        click.echo(f"not done: {family}: {why}; past it with --untried")
    return undone

"""`archsweep sync`: what the installed transformers brings, drops or changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsweep.commands._reading import count, database_option
from archsweep.commands._selection import universe_options
from archsweep.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from archsweep.analysis.universe import Difference, Known
    from archsweep.archs.catalog import Catalog
    from archsweep.render.stated_files import Tree

FOLDER = Path("tests/models")
DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command(short_help="What the installed transformers brings, drops or changes.")
@click.option("--output-dir", "folder", type=DIRECTORY, default=FOLDER, show_default=True, help="Generated files.")
@database_option
@click.option("--dry-run", is_flag=True, help="Only show; as without any flag.")
@click.option("--add-models", is_flag=True, help="Generate files for what has none, verify them, keep the results.")
@click.option("--jobs", metavar="NUMBER", help="Workers at a time; default: one for each core.")
@click.option("--cache", metavar="FOLDER", help="Where catalog and specifications are kept.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--json", "as_json", is_flag=True, help="The last line of the output is the summary as JSON.")
@universe_options
def command(**given: Any) -> int:
    """What the installed transformers brings, drops or changes.

    Its model types are compared with what generated files state and with what results in the database know.

    \b
    new       no file states it, or no result knows it
    gone      stated or known, and not in transformers any more
    renamed   one that went and one that came, with class names or source in common
    changed   its classes are others, or their source is not that of their newest results

    A folder without generated files, and a database without results, are not asked what is new. What another package
    brought needs the same --import as then.

    \b
    archsweep sync
    archsweep sync --output-dir tests/models --db archsweep.duckdb --json
    archsweep sync --add-models        files for what is new, run on the CPU, results kept

    Files are read and never run. One written by hand, or broken, is left alone and named.

    \b
    Exit codes: 0 all is well, 1 a file that was added fails or could not be made,
    2 wrong usage.
    """
    from archsweep import settings
    from archsweep.analysis import universe
    from archsweep.commands._selection import catalog
    from archsweep.render import difference, stated_files
    from archsweep.render.terminal import console

    if given["dry_run"] and given["add_models"]:
        raise click.UsageError("--dry-run only shows, and --add-models writes. Take one.")
    database = settings.load({"db": given["database"]})["db"].value
    known = _known(database, wanted=bool(given["database"]) and not given["add_models"])
    library = catalog(given["imports"], trust_remote_code=given["trust_remote_code"], cache=given["cache"])
    tree = stated_files.read(given["folder"])
    found = universe.compare(library.subjects, _sources(library, known), tree.stated, known)
    click.echo(_compared(library, tree, known, given["folder"], database))
    difference.show(found, tree.left, console())
    summary = {
        "transformers": library.transformers_version, **difference.plain(found),
        "left_alone": {str(path): reason for path, reason in tree.left.items()},
    }  # fmt: skip
    code = EXIT_OK
    if given["add_models"]:
        code, summary["added"] = _add(found, tree, {**given, "database": str(database)})
    elif found.unstated:
        click.echo("Files for what has none: the same command with --add-models")
    if given["as_json"]:
        click.echo(json.dumps(summary))
    return code


def _known(database: Path, *, wanted: bool) -> list[Known]:
    """What results know; nothing without a database. Raises DatabaseError where one was `wanted`."""
    from archsweep.analysis.universe import Known
    from archsweep.store import read

    if not (database.exists() or wanted):
        return []
    return [Known(**row) for row in read.known_classes(database)]


def _sources(library: Catalog, known: list[Known]) -> dict[str, str]:
    """The hash of the source of each class; not looked at where no result has any."""
    from archsweep.run.reuse import source_hash

    return {subject.id: source_hash(subject) for subject in library.subjects} if known else {}


def _compared(library: Catalog, tree: Tree, known: list[Known], folder: Path, database: Path) -> str:
    """What is compared with what, in a line each."""
    types = {subject.model_type for subject in library.subjects if subject.mappings}
    files = {item.file for item in tree.stated}
    stated, tried = {item.model_type for item in tree.stated}, {item.model_type for item in known}
    return "\n".join(
        [
            f"transformers {library.transformers_version}: {count(len(types), 'model type')} with a mapped class",
            f"{folder}: {count(len(files), 'generated file')}, {count(len(stated), 'model type')}",
            f"{database}: results of {count(len(tried), 'model type')}\n",
        ]
    )


def _add(found: Difference, tree: Tree, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Generate and verify a file for each model folder that has something without one, but where a file is left
    alone."""
    from archsweep.commands import _adding
    from archsweep.render.pytest_files import file_name

    left = {path.name for path in tree.left}
    families = dict.fromkeys(item.family for item in found.unstated)
    chosen = [family for family in families if file_name(family) not in left]
    if not chosen:
        click.echo("nothing to add")
        return EXIT_OK, {"passed": [], "failed": {}, "not_made": {}, "tests": 0}
    _adding.check_database(Path(given["database"]))
    told = _adding.told(_adding.generated(chosen, given), given)
    return EXIT_FINDINGS if told["failed"] or told["not_made"] else EXIT_OK, told

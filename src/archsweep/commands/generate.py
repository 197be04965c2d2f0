"""`archsweep generate`: readable pytest files for any architecture."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsweep.commands._selection import split, universe_options
from archsweep.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from archsweep.render.file_tree import Change

FOLDER = Path("tests/models")
DIRECTORY = click.Path(file_okay=False, path_type=Path)


@click.command(short_help="Readable pytest files for any architecture, or all of them.")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="Every model folder of transformers.")
@click.option("--category", "categories", multiple=True, metavar="NAME", help="Category, e.g. text-encoders.")
@click.option("--priority", "priorities", multiple=True, metavar="NAME", help="critical, high, medium or low.")
@click.option("--phase", "phases", multiple=True, metavar="NUMBER", help="Phase of the roadmap, 1 to 6.")
@click.option("--missing", is_flag=True, help="Only what has no file in the folder yet; alone: of everything.")
@click.option("--output-dir", "folder", type=DIRECTORY, default=FOLDER, show_default=True, help="Where files go.")
@click.option("--list", "listed", is_flag=True, help="Say which files there would be, and write nothing.")
@click.option("--dry-run", is_flag=True, help="Show as a diff what would change, and write nothing.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a file is missing, stale or left over.")
@click.option("--verify", is_flag=True, help="Compile, collect and run each file on the CPU; files that fail stay.")
@click.option("--template", metavar="NAME|PATH", help="A built-in template of another architecture, or a file.")
@click.option("--save-results", "database", metavar="DB", help="With --verify: keep how cases ended in this database.")
@click.option("--jobs", metavar="NUMBER", help="Workers at a time; default: one for each core.")
@click.option("--cache", metavar="FOLDER", help="Where catalog and specifications are kept.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--json", "as_json", is_flag=True, help="The last line of the output is the summary as JSON.")
@universe_options
def command(names: tuple[str, ...], **given: Any) -> int:
    """Write readable pytest files for architectures.

    NAME is a model type or a model folder of transformers. One file is written for each folder, with the data of all
    its architectures; what is the same everywhere is in archsweep.testing. Run the files with plain pytest.

    \b
    archsweep generate bert gpt2 t5 vit --output-dir tests/models
    archsweep generate --category vision --dry-run
    archsweep generate --all --missing
    archsweep generate --all --check                in CI: exit 1 when a file is stale
    archsweep generate bert --verify                compile, collect and run
    \b
    Exit codes: 0 all is well, 1 a file is stale (--check), fails (--verify) or could not be
    made, 2 wrong usage.
    """
    from archsweep.commands import _adding, _generating
    from archsweep.render import file_tree

    if sum((given["listed"], given["dry_run"], given["check"], given["verify"])) > 1:
        raise click.UsageError("--list, --dry-run, --check and --verify ask for different things. Take one.")
    if given["database"] and not given["verify"]:
        raise click.UsageError("--save-results keeps what --verify runs. Add --verify.")
    chosen = {field: split(given[field], f"--{flag}") for field, flag in _generating.FLAGS.items()}
    if not (names or given["everything"] or given["missing"] or any(chosen.values())):
        flags = "--all, --missing, --category, --priority, --phase"
        raise click.UsageError(f"nothing to generate. Name architectures, or {flags}")
    if names and given["everything"]:
        raise click.UsageError(f"--all is everything, and {', '.join(names)} is not. Take one.")
    wanted = _generating.Wanted(names=names, missing=given["missing"], folder=given["folder"], **chosen)
    if given["database"]:
        _adding.check_database(Path(given["database"]))
    made = _generating.generated(wanted, given)
    folder = given["folder"]
    planned = file_tree.changes(folder, made.files)
    if given["listed"]:
        click.echo("\n".join(f"{change.kind:8}{change.path}" for change in planned))
    elif given["dry_run"]:
        click.echo("".join(change.diff() for change in planned), nl=False)
    elif not given["check"]:
        file_tree.write(folder, planned)
    _tell(planned, made.lacking, given)
    orphans = _left_over(planned, made.lacking, given) if given["everything"] and not any(chosen.values()) else []
    verified = _verify(planned, given) if given["verify"] else {}
    if given["as_json"]:
        counts = Counter(str(change.kind) for change in planned)
        known = {"not_made": made.lacking, "left_over": list(map(str, orphans))}
        summary = {"files": len(planned), **dict(sorted(counts.items())), **known, **verified}
        click.echo(json.dumps(summary))
    stale = given["check"] and (orphans or any(change.kind is not file_tree.Kind.SAME for change in planned))
    return EXIT_FINDINGS if stale or made.lacking or verified.get("failed") else EXIT_OK


def _tell(planned: list[Change], lacking: dict[str, str], given: dict[str, Any]) -> None:
    """What was done, or would be."""
    from archsweep.render.file_tree import Kind

    counts = Counter(change.kind for change in planned)
    looked = given["listed"] or given["dry_run"]
    verb = "would be written" if looked else "stale" if given["check"] else "written"
    fresh = counts[Kind.NEW] + counts[Kind.CHANGED]
    click.echo(
        f"{fresh} {verb} ({counts[Kind.NEW]} new, {counts[Kind.CHANGED]} changed), {counts[Kind.SAME]} as they are",
        err=True,
    )
    if given["check"] and fresh:
        for change in planned:
            if change.kind is not Kind.SAME:
                click.echo(f"  {change.kind}: {change.path}", err=True)
        click.echo("Write them with the same command without --check.", err=True)
    for family, reason in sorted(lacking.items()):
        click.echo(f"not made: {family}: {reason}", err=True)


def _left_over(planned: list[Change], lacking: dict[str, str], given: dict[str, Any]) -> list[Path]:
    """Generated files that nothing generates any more; prints each."""
    from archsweep.render import file_tree, pytest_files

    names = [change.path.name for change in planned] + [pytest_files.file_name(family) for family in lacking]
    found = [] if given["missing"] else file_tree.left_over(given["folder"], names)
    for path in found:
        click.echo(f"left over: {path}: of no model folder of the installed transformers. Remove it.", err=True)
    return found


def _verify(planned: list[Change], given: dict[str, Any]) -> dict[str, Any]:
    """Run every file; prints each that fails."""
    from archsweep.commands import _verifying

    found = _verifying.verified([change.path for change in planned], given)
    for item in found:
        if item.fault:
            click.echo(f"fails: {item.path}: {item.fault}", err=True)
    good = sum(not item.fault for item in found)
    click.echo(f"{good} of {len(found)} files compile, collect and pass")
    failed = {str(item.path): item.fault for item in found if item.fault}
    return {"verified": good, "failed": failed, "tests": sum(item.passed for item in found)}

"""`archsweep import`: results of other machines, and journals, into the database."""

from __future__ import annotations

import json
from pathlib import Path

import click

from archsweep.commands._reading import count, database_option, database_path


@click.command("import")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path))
@database_option
@click.option("--json", "as_json", is_flag=True, help="One object a file: file, runs, results, added.")
def command(*, files: tuple[Path, ...], database: str | None, as_json: bool) -> None:
    """Takes over the results of exports and journals. Doing it twice changes nothing; fingerprints stay apart.

    \b
    archsweep import gpu-machine.jsonl.gz laptop.jsonl
    """
    from archsweep.store.exchange import import_files

    path = database_path(database)
    found = import_files(path, files)
    if as_json:
        click.echo(
            json.dumps([{"file": str(i.file), "runs": i.runs, "results": i.results, "added": i.added} for i in found])
        )
        return
    for item in found:
        click.echo(
            f"{item.file}: {count(item.results, 'result')} of {count(len(item.runs), 'run')}, {item.added:,} new"
        )
        if item.torn:
            click.echo("  its last line was cut off, as by a kill, and is left out")
        for kind, lines in item.ignored.items():
            click.echo(f"  {count(lines, 'line')} of kind {kind!r} passed over")

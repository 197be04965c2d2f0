"""`archsweep export`: one run out of this machine's database, into a file."""

from __future__ import annotations

from pathlib import Path

import click

from archsweep.commands._reading import count, database_option, database_path
from archsweep.errors import ArchsweepError


@click.command(short_help="Write one run with its fingerprints to a file, for another machine.")
@click.argument("run")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@database_option
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def command(*, run: str, file: Path, database: str | None, force: bool) -> None:
    """Writes RUN (or `latest`) with its fingerprints to FILE: JSON Lines, compressed when the name ends in .gz.

    \b
    archsweep export latest results.jsonl.gz
    archsweep query "SELECT run, started_at FROM runs"      which runs there are
    """
    from archsweep.store.exchange import export_run

    if file.exists() and not force:
        raise ArchsweepError(f"{file} is there already", "Replace it with: --force")
    results = export_run(database_path(database), run, file)
    click.echo(f"{count(results, 'result')} written to {file}")

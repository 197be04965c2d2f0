"""`archsweep dashboard`: everything that is known, as a folder of pages."""

from __future__ import annotations

from pathlib import Path

import click

from archsweep.commands._reading import database_option, database_path
from archsweep.commands._selection import catalog, universe_options

DEFAULT = "site"


@click.command(short_help="Everything that is known as a folder of pages: matrix, models, platforms, runs, charts.")
@click.option(
    "--output", "folder", type=click.Path(path_type=Path), default=DEFAULT, show_default=True, metavar="FOLDER",
    help="Where the pages go; of what is there, only an earlier dashboard is replaced.",
)  # fmt: skip
@click.option(
    "--runs", "most", type=click.IntRange(0), default=20, show_default=True, metavar="NUMBER",
    help="How many of the newest runs get pages of their own.",
)  # fmt: skip
@click.option("--open", "opened", is_flag=True, help="Open it in the browser.")
@database_option
@universe_options
def command(
    *, folder: Path, most: int, opened: bool, database: str | None, imports: tuple[str, ...], trust_remote_code: bool
) -> None:
    """A static site: it works from a file, from any folder of any host, and without a network.

    \b
    archsweep dashboard                       the folder site/, to be opened at site/index.html
    archsweep dashboard --output public --db results.duckdb
    archsweep serve                           the same pages while a sweep is going on
    """
    from archsweep.commands._site import build

    path = database_path(database)
    count, size = build(path, folder, catalog(imports, trust_remote_code=trust_remote_code), most)
    start = folder / "index.html"
    click.echo(f"{count:,} files, {size / 1e6:.1f} MB: {start}")
    if opened:
        click.launch(start.absolute().as_uri())

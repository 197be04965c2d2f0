"""`archsweep pages`: a page for each architecture, in Markdown."""

from __future__ import annotations

from pathlib import Path

import click

from archsweep.commands._reading import check_names, count, database_option, database_path

FLAG = "--output"


@click.command(short_help="A page for each architecture: what works, on what evidence, with which code.")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@database_option
@click.option(
    FLAG, "folder", required=True, metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path),
    help="Where the pages go; files of others in it are never touched.",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a page is missing or stale.")
def command(*, models: tuple[str, ...], database: str | None, folder: Path, check: bool) -> int:
    """A Markdown page for each model type that has results, or for each MODEL, and an index of them all.

    A page has what the architecture is, its classes, a tiny model and its inputs as code, the code that ran it on each
    platform, the results, numbers, what does not work, and how results have changed. The same results give the same
    bytes. With MODEL the index stays as it is.

    \b
    archsweep pages --output docs/models
    archsweep pages bert whisper --output docs/models
    """
    from archsweep.analysis import model_page
    from archsweep.errors import EXIT_FINDINGS, EXIT_OK, ArchsweepError
    from archsweep.render import file_tree, model_markdown
    from archsweep.render.file_tree import Kind
    from archsweep.render.pytest_files import Made
    from archsweep.store import models as store
    from archsweep.store import read

    path = database_path(database)
    found = store.model_rows(path, models)
    if missing := [name for name in models if name not in found]:
        check_names("model", missing, read.names(path)["model_type"], path)
    if not found:
        raise ArchsweepError(f"{path} has no results to make pages of", "Run something: archsweep run --base")
    asked = {row["run"]: row["settings"].get("options", {}) for row in read.runs(path)}
    known = model_page.usages()
    pages = [
        model_page.page(name, rows.subjects, rows.cells, rows.history, known=known, asked=asked)
        for name, rows in found.items()
    ]
    files = [
        Made(
            family=page.model_type, name=model_markdown.file_name(page.model_type), text=model_markdown.model_page(page)
        )
        for page in pages
    ]
    if not models:
        files.append(Made(family="", name=model_markdown.INDEX, text=model_markdown.index(pages)))
    planned = file_tree.changes(folder, files, mine=model_markdown.is_ours, flag=FLAG)
    if not check:
        file_tree.write(folder, planned, FLAG)
    fresh = [change for change in planned if change.kind is not Kind.SAME]
    click.echo(
        f"{count(len(fresh), 'file')} {'stale' if check else 'written'}, {len(planned) - len(fresh)} as they are"
    )
    return EXIT_FINDINGS if check and fresh else EXIT_OK

"""`archsweep matrix`: what works where, and on what evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from archsweep.commands._reading import check_names, check_words, database_option, database_path, write
from archsweep.commands._selection import split

_DEPTHS = ("category", "architecture", "class")
_FORMATS = ("terminal", "markdown", "csv", "json")
_FLAGS = {
    "categories": "--category",
    "models": "--model",
    "platforms": "--platform",
    "statuses": "--status",
    "evidences": "--evidence",
}


@click.command(short_help="The compatibility matrix: what works where, on what evidence.")
@click.option("--by", "depth", type=click.Choice(_DEPTHS), help="How far to fold; class shows every check.")
@click.option("--category", "categories", multiple=True, metavar="NAME", help="Only these categories.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="Only these model types.")
@click.option("--platform", "platforms", multiple=True, metavar="NAME", help="Only these columns.")
@click.option("--status", "statuses", multiple=True, metavar="NAME", help="Only lines in which something ended so.")
@click.option("--evidence", "evidences", multiple=True, metavar="NAME", help="Only lines with something on it.")
@click.option("--base", is_flag=True, help="Only the base class of each model type.")
@click.option("--fold", is_flag=True, help="Fold older fingerprints in as well; they are counted apart otherwise.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="terminal", help="Default: terminal.")
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@database_option
def command(
    *, depth: str | None, base: bool, fold: bool, form: str, as_json: bool, database: str | None, **lists: Any
) -> None:
    """The compatibility matrix: each cell with status and evidence, in word and symbol.

    A folded cell shows verified / applicable subjects. It is green only when they are equal, and names its most severe
    status otherwise. What is unavailable or unexecuted is never verified. --status and --evidence leave lines out and
    change no number in those that stay; the last line then folds those alone, and is called "shown" instead of "all".

    \b
    archsweep matrix                                   categories by platform
    archsweep matrix --by architecture --status fail   the architectures in which something is wrong
    archsweep matrix --by class --model bert           every class and check of one architecture
    archsweep matrix --format markdown --base          for a README

    Each object of --json is a cell: category, model_type and class_name (null where folded), platform, check (null
    where folded), status, evidence (the weakest among the passes), verified, applicable, by_status, inapplicable,
    older (known under older fingerprints only), fingerprints, finished_at (of its newest result). A cell that was not
    tried has no object.
    """
    wanted = {name: split(values, _FLAGS[name]) for name, values in lists.items()}
    depth = depth or ("class" if wanted["models"] else "category")
    path = database_path(database)
    matrix, notes = _built(path, depth, wanted, base=base, fold=fold)
    _write(matrix, notes, "json" if as_json else form, path)


def _built(path: Path, depth: str, wanted: dict[str, tuple[str, ...]], *, base: bool, fold: bool) -> tuple[Any, Any]:
    from archsweep.analysis.matrix import SEVERITY, WEAKNESS, Depth, build
    from archsweep.contract import Status
    from archsweep.store import read

    check_words("status", wanted["statuses"], (*SEVERITY, Status.INAPPLICABLE))
    check_words("evidence", wanted["evidences"], WEAKNESS)
    names = read.names(path)
    for kind, column in (("categories", "category"), ("models", "model_type"), ("platforms", "platform")):
        check_names(column.replace("_type", ""), wanted[kind], names[column], path)
    notes = read.platform_fingerprints(path)
    rows = read.cells(
        path, categories=wanted["categories"], platforms=wanted["platforms"], models=wanted["models"], base=base
    )
    newest = {note["platform"]: note["fingerprint"] for note in reversed(notes)}
    matrix = build(
        rows,
        Depth(depth),
        newest=None if fold else newest,
        statuses=wanted["statuses"],
        evidences=wanted["evidences"],
    )
    return matrix, notes


def _write(matrix: Any, notes: Any, form: str, path: Path) -> None:
    from archsweep.analysis.matrix import FLAT_COLUMNS, flat
    from archsweep.render import markdown, tabular, terminal

    if form == "json":
        write(tabular.as_json(flat(matrix)))
    elif form == "csv":
        write(tabular.as_csv(flat(matrix), FLAT_COLUMNS))
    elif not matrix.labels:
        click.echo(f"{path} has no cell for this.", err=True)
    elif form == "markdown":
        write(markdown.matrix_table(matrix, notes))
    else:
        terminal.show_matrix(matrix, notes, terminal.console())

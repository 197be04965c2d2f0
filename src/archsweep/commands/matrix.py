"""`archsweep matrix`: what works where, and on what evidence."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsweep.commands._reading import (
    Row,
    check_names,
    check_words,
    collector_paused,
    database_option,
    database_path,
    installed,
    today,
    write,
    write_file,
)
from archsweep.commands._selection import split
from archsweep.errors import ArchsweepError

if TYPE_CHECKING:
    from archsweep.analysis.matrix import Matrix, Present

_DEPTHS = ("category", "architecture", "subject", "class")
_SUFFIXES = {
    ".txt": "terminal", ".md": "markdown", ".csv": "csv", ".json": "json", ".html": "html", ".htm": "html",
}  # fmt: skip
_FORMATS = tuple(dict.fromkeys(_SUFFIXES.values()))
_SORTS = ("name", "verified", "changed")
_FLAGS = {
    "categories": "--category",
    "models": "--model",
    "platforms": "--platform",
    "checks": "--check",
    "statuses": "--status",
    "evidences": "--evidence",
}
_COLUMNS = {"categories": "category", "models": "model_type", "platforms": "platform", "checks": "check"}


@click.command(short_help="The compatibility matrix: what works where, on what evidence.")
@click.option("--by", "depth", type=click.Choice(_DEPTHS), help="How far to fold; class shows every check.")
@click.option("--category", "categories", multiple=True, metavar="NAME", help="Only these categories.")
@click.option("--model", "models", multiple=True, metavar="NAME", help="Only these model types.")
@click.option("--platform", "platforms", multiple=True, metavar="NAME", help="Only these platforms.")
@click.option("--check", "checks", multiple=True, metavar="NAME", help="Only these checks (with --by class).")
@click.option("--status", "statuses", multiple=True, metavar="NAME", help="Only lines in which something ended so.")
@click.option("--evidence", "evidences", multiple=True, metavar="NAME", help="Only lines with something on it.")
@click.option(
    "--changed-since", "since", metavar="RUN|DATE",
    help="Only lines in which something ends otherwise than before that run, or date (UTC), or is new since.",
)  # fmt: skip
@click.option("--base", is_flag=True, help="Only the base class of each model type.")
@click.option("--fold", is_flag=True, help="Fold older fingerprints in as well; they are counted apart otherwise.")
@click.option(
    "--sort", "order", type=click.Choice(_SORTS), default=None,
    help="Lines by name, most verified, or last changed first. Default: the categories most wanted first.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Default: terminal, or what FILE ends in.")
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option(
    "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write there; .txt .md .csv .json .html"
)
@database_option
def command(
    *, depth: str | None, since: str | None, base: bool, fold: bool, order: str | None, form: str | None,
    as_json: bool, output: Path | None, database: str | None, **lists: Any,
) -> None:  # fmt: skip
    """The compatibility matrix: each cell with status and evidence, in word and symbol.

    A folded cell shows verified / applicable subjects. It is green only when they are equal, and names its most severe
    status otherwise. What is unavailable or unexecuted is never verified. --status, --evidence and --changed-since
    leave lines out and change no number in those that stay; the last line then folds those alone, and is called "shown"
    instead of "all". Results of another transformers than the newest (installed, or in the database) show their age.

    \b
    archsweep matrix                                   categories by platform
    archsweep matrix --by architecture --status fail   the architectures in which something is wrong
    archsweep matrix --by class --model bert           every class and check of one architecture
    archsweep matrix --by subject --output matrix.html a page of every class
    archsweep matrix --changed-since 2026-11-01        what ends otherwise since then

    Each object of --json is a cell: category, model_type and class_name (null where folded), platform, check (null
    where folded), status, evidence (the weakest among the passes), verified, applicable, by_status, inapplicable,
    older (known under older fingerprints only), fingerprints, finished_at (of its newest result), transformers
    (versions), age_days (null where current), older_age_days, changed_at (with --changed-since or --sort changed). A
    cell that was not tried has no object.
    """
    wanted = {name: split(values, _FLAGS[name]) for name, values in lists.items()}
    depth = depth or ("class" if wanted["models"] or wanted["checks"] else "category")
    if wanted["checks"] and depth != "class":
        raise click.UsageError("--check chooses columns of --by class; the other depths fold the verifying checks.")
    form = _format("json" if as_json else form, output)
    path = database_path(database)
    matrix, notes = built(path, depth, wanted, since=since, base=base, fold=fold, order=order or "priority")
    if not matrix.labels and form not in ("json", "csv"):
        if output is not None:
            raise ArchsweepError(f"{path} has no cell for this; {output} was not written")
        click.echo(f"{path} has no cell for this.", err=True)
    elif output is not None:
        write_file(output, _text(matrix, notes, form, _scope(path, depth, wanted, since, base=base)))
    elif form == "terminal":
        _show(matrix, notes)
    else:
        write(_text(matrix, notes, form, _scope(path, depth, wanted, since, base=base)))


def _format(form: str | None, output: Path | None) -> str:
    if form is not None or output is None:
        return form or "terminal"
    found = _SUFFIXES.get(output.suffix.lower())
    if found is None:
        raise click.UsageError(f"{output} does not say which format: end it in {', '.join(_SUFFIXES)}, or use --format")
    return found


def built(
    path: Path, depth: str, wanted: Mapping[str, tuple[str, ...]], *, since: str | None, base: bool, fold: bool,
    order: str,
) -> tuple[Matrix, list[Row]]:  # fmt: skip
    """The matrix and the notes to its columns. Raises ArchsweepError for a name, a run or a date that is not known."""
    from archsweep.analysis import matrix
    from archsweep.contract import Status
    from archsweep.store import folding, read, speaking

    check_words("status", wanted["statuses"], (*matrix.SEVERITY, Status.INAPPLICABLE))
    check_words("evidence", wanted["evidences"], matrix.WEAKNESS)
    if any(wanted[kind] for kind in _COLUMNS):
        names = read.names(path)
        for kind, column in _COLUMNS.items():
            check_names(column.replace("_type", ""), wanted[kind], names[column], path)
    moment = speaking.moment(path, since) if since is not None else ""
    chosen = {kind: wanted[kind] for kind in _COLUMNS}
    changed = bool(moment) or order == "changed"
    with collector_paused():
        found = folding.groups(path, matrix.Depth(depth), base=base, changed=changed, **chosen)
        newest = {note["platform"]: note["fingerprint"] for note in reversed(found.notes)}
        present, notes = _present(found.notes)
        return matrix.fold(
            found.groups,
            matrix.Depth(depth),
            newest=None if fold else newest,
            present=present,
            statuses=wanted["statuses"],
            evidences=wanted["evidences"],
            since=moment,
            order=order,
        ), notes


def _present(notes: Iterable[Row]) -> tuple[Present, list[Row]]:
    """What is current here, and the notes, each with the newer transformers that it is `behind` ("" where none is)."""
    from archsweep.analysis.matrix import Present
    from archsweep.store.rows import newest_version

    notes = list(notes)
    here = installed("transformers")
    known = {(note["platform"], note["fingerprint"]): note["transformers_version"] for note in notes}
    by_platform = {
        platform: newest_version([here, *(version for (place, _), version in known.items() if place == platform)])
        for platform, _ in known
    }
    outdated = {key for key, version in known.items() if version and version != by_platform[key[0]]}
    behind = [
        note | {"behind": by_platform[note["platform"]] if (note["platform"], note["fingerprint"]) in outdated else ""}
        for note in notes
    ]
    return Present(today=today(), versions=known, outdated=frozenset(outdated)), behind


def _scope(path: Path, depth: str, wanted: Mapping[str, tuple[str, ...]], since: str | None, *, base: bool) -> str:
    """What is shown, in words."""
    parts = [f"By {depth}", *(f"{_FLAGS[kind][2:]} {', '.join(names)}" for kind, names in wanted.items() if names)]
    parts += [f"changed since {since}"] * (since is not None) + ["base classes only"] * base
    return f"{'; '.join(parts)}. From {path.name}, {today().isoformat()}."


def _show(matrix: Matrix, notes: list[Row], file: Any = None) -> None:
    from archsweep.render import terminal

    terminal.show_matrix(matrix, notes, terminal.console(file=file))


def _text(matrix: Matrix, notes: list[Row], form: str, scope: str) -> str:
    from archsweep.analysis.matrix import FLAT_COLUMNS, flat
    from archsweep.render import markdown, matrix_page, tabular

    if form == "json":
        return tabular.as_json(flat(matrix)) + "\n"
    if form == "csv":
        return tabular.as_csv(flat(matrix), FLAT_COLUMNS)
    if form == "markdown":
        return markdown.matrix_table(matrix, notes)
    if form == "html":
        return matrix_page.matrix_page(matrix, notes, scope)
    stream = io.StringIO()
    _show(matrix, notes, stream)
    return stream.getvalue()

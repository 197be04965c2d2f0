"""`archsweep report`: one run whole."""

from __future__ import annotations

from pathlib import Path

import click

from archsweep.commands._reading import database_option, database_path
from archsweep.commands._reporting import SUFFIXES, TOP, check_place, form_of, source, write


@click.command(short_help="One run whole: coverage, changes, root causes, what is slow; in seven formats.")
@click.argument("run", default="latest")
@click.option(
    "--format", "form", type=click.Choice(tuple(SUFFIXES)), help="Default: by the file's suffix, or terminal."
)
@click.option("--json", "as_json", is_flag=True, help="Same as --format json.")
@click.option("--output", "output", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")
@click.option("--top", type=click.IntRange(min=0), default=TOP, help=f"Root causes that are shown; default: {TOP}.")
@database_option
def command(*, run: str, form: str | None, as_json: bool, output: Path | None, top: int, database: str | None) -> None:
    """Coverage by platform, what changed since the last run of the same selection, the root causes of what fails,
    what is slowest and heaviest, and under which versions. RUN is a name, `latest`, `all` (what speaks for each case,
    whichever run it is of), or a journal file.

    Failures of the same stage, error class, operators and shape of message are one cause. The cause comes first whose
    mending alone would have most architectures verified, each with a command that repeats it.

    \b
    archsweep report                              the newest run, on the terminal
    archsweep report all --output report.html     one file: for a browser, a mail, a printer
    archsweep report --output results.xml         JUnit, for CI
    archsweep report --format markdown --top 5    for an issue or a pull request
    archsweep report --output rows.parquet

    In JUnit a fail is a failure; error, crash, oom, timeout and broken are errors; every other ending but a pass is
    skipped, with its status and reason.

    jsonl and parquet have a row for each case: case, model_type, class_name, is_base, category, architecture, priority,
    platform, check, dtype, default_dtype, weights, options (JSON), status, outlook, stage, evidence, error_class,
    operators, blame, blame_package, message, wall_s, device, fingerprint, transformers_version, run, finished_at,
    reused (taken over from an earlier run), parameters, metrics (name to number). json is the report as one object,
    with every root cause and every change. To carry a run to another machine: archsweep export.
    """
    if output is not None:
        check_place(output)
    asked = "json" if as_json else form
    chosen = asked or ("terminal" if output is None else form_of(output))
    with source(run, database_path(database)) as found:
        write(found, chosen, top, output)
    if output is not None:
        click.echo(f"written: {output}", err=True)

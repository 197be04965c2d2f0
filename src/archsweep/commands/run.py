"""`archsweep run`: the sweep."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsweep.commands._selection import selection_options, split, universe_options

if TYPE_CHECKING:
    from archsweep.archs.selection import Selection
    from archsweep.run.keeping import Keeper
    from archsweep.run.plan import Options
    from archsweep.run.sweep import Manner

FILE = click.Path(dir_okay=False, path_type=Path)
ALSO_RESUMED = ("resume", "jobs", "fail_fast", "baseline", "strict", "db", "journal", "quiet", "as_json", "reports")


@click.command()
@click.argument("names", nargs=-1, metavar="")
@selection_options
@click.option(
    "--platform", "--hardware", "platforms", multiple=True, metavar="NAME…|present|auto", help="Where to run."
)
@click.option("--check", "checks", multiple=True, metavar="NAME…|all", help="What to ask; default: forward, parity.")
@click.option("--dtype", "dtypes", multiple=True, metavar="NAME…", help="In what; default: the platform's first.")
@click.option(
    "--option",
    "chosen",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of a platform, see: archsweep list platforms.",
)
@click.option("--jobs", metavar="NUMBER", help="Workers at a time; default: one for each core.")
@click.option("--timeout", metavar="SECONDS", help="Deadline of each case; default: 120.")
@click.option("--memory", metavar="SIZE", help="Memory bound of each worker; default: 3G.")
@click.option(
    "--only", type=click.Choice(["failed", "new", "stale"]), help="Run only what went wrong, is untried or out of date."
)
@click.option("--fail-fast", is_flag=True, help="Stop at the first finding.")
@click.option("--baseline", metavar="PATH", help="What to judge by: a folder of `accept`, an export or a database.")
@click.option("--strict", is_flag=True, help="Ignore every baseline.")
@click.option("--resume", is_flag=False, flag_value="", metavar="[RUN]", help="Go on with an unfinished run.")
@click.option("--db", metavar="FILE", help="The results database; default: archsweep.duckdb, or ARCHSWEEP_DB.")
@click.option("--journal", type=FILE, help="Write a journal alone; needs no duckdb, and can be imported later.")
@click.option("--cache", metavar="FOLDER", help="Where catalog and references are kept.")
@click.option(
    "--weights",
    type=click.Choice(["tiny", "pretrained"]),
    default="tiny",
    help="Tiny models of random weights, or each type's default checkpoint, from the hub's cache or from the hub.",
)
@click.option("--rules-alone", is_flag=True, help="Ignore the overrides and every remembered search.")
@click.option(
    "--report", "reports", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
    help="Write a report there when the sweep ends: .html, .md, .xml (JUnit), .jsonl, .parquet, .json or .txt.",
)  # fmt: skip
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--json", "as_json", is_flag=True, help="The last line of the output is the summary as JSON.")
@universe_options
def command(selection: Selection, names: tuple[str, ...], **given: Any) -> int:
    """Sweep architectures: build, run, compare, record.

    \b
    archsweep run --base                            every base type, forward and parity, on the CPU
    archsweep run --model bert,gpt2 --platform present
    archsweep run --base --weights pretrained       default checkpoints, as far as they can be had
    archsweep run --only failed                     what went wrong last time
    archsweep run --base --report run.html --report junit.xml
    archsweep run --resume                          go on after an interruption or a kill

    A finding is a case that ended as fail, error, timeout, crash or oom, and did not end alike (status, stage, error
    class) in the baseline: what --baseline names, else the last run here with the same selection and platform, else
    nothing. Where the baseline has a pass, a case that is not verified any more is one too.

    \b
    --only failed   what ended badly when it was last tried, and nothing else
    --only new      what was never tried; the other results are reused
    --only stale    also what was tried with other versions, on another device, or before
                    the source of its class changed; the other results are reused
    \b
    Exit codes: 0 no findings, 1 findings, 2 wrong usage, 3 a harness is broken, 130 interrupted.
    """
    from archsweep import settings
    from archsweep.commands import _outcome, _reporting
    from archsweep.run.sweep import sweep, validate

    if names:
        raise click.UsageError(f"run takes no bare names. Did you mean: archsweep run --model {','.join(names)}")
    _reporting.check(given["reports"])
    flags = {name: given[name] for name in ("db", "cache", "jobs", "timeout", "memory", "baseline")}
    flags |= {name: split(given[name], f"--{name[:-1]}") for name in ("platforms", "checks")}
    flags["imports"] = given["imports"]
    if given["resume"] is not None:
        _refuse_beside_resume()
    known = {name: item.value for name, item in settings.load(flags).items()}
    options = validate(_options(selection, known, given))
    manner = _manner(known, given)
    keeper = _keeper(known["db"], given["journal"], given["resume"])
    resumed = keeper.resumed()
    if resumed:
        from archsweep.run.plan import decode_options

        options = decode_options(resumed[0].settings["options"])
    outcome = sweep(options, manner, keeper)
    database = "" if given["journal"] else str(known["db"])
    _outcome.show(outcome, options, str(given["journal"] or known["db"]), database)
    fault = keeper.fault()
    if fault is None:
        _reporting.after(given["reports"], outcome.summary["run"], known["db"], given["journal"])
    if given["as_json"]:
        click.echo(json.dumps(outcome.summary))
    sys.stdout.flush()
    if fault is not None and not outcome.interrupted:
        raise fault
    return outcome.exit_code


def _refuse_beside_resume() -> None:
    """Raises click.UsageError for what a run that goes on has been asked already."""
    context = click.get_current_context()
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in ALSO_RESUMED
        and context.get_parameter_source(str(parameter.name)) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"--resume goes on with what the run was asked for. Leave out: {', '.join(given)}")


def _options(selection: Selection, known: dict[str, Any], given: dict[str, Any]) -> Options:
    from archsweep.run import axes
    from archsweep.run.plan import Options

    return Options(
        selection=selection,
        platforms=known["platforms"],
        checks=known["checks"],
        dtypes=split(given["dtypes"], "--dtype"),
        chosen=axes.parse(given["chosen"]),
        imports=known["imports"],
        trust_remote_code=given["trust_remote_code"],
        timeout_s=known["timeout"],
        memory_bytes=known["memory"],
        rules_alone=given["rules_alone"],
        only=given["only"],
        weights=given["weights"],
        cache=str(known["cache"].absolute()),
    )


def _manner(known: dict[str, Any], given: dict[str, Any]) -> Manner:
    from archsweep.machine import cores
    from archsweep.run.sweep import Manner

    manner = Manner(
        jobs=known["jobs"] or cores(), quiet=given["quiet"], fail_fast=given["fail_fast"], strict=given["strict"]
    )
    if known["baseline"] is None or manner.strict:
        return manner
    return dataclasses.replace(manner, baseline=_baseline(known["baseline"]))


def _baseline(path: Path) -> Any:
    from archsweep.commands._database import endings_in
    from archsweep.run import baseline

    return endings_in(path) if _is_database(path) else baseline.read(path)


def _is_database(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(12)[8:] == b"DUCK"


def _keeper(database: Path, journal: Path | None, resume: str | None) -> Keeper:
    from archsweep.errors import SettingsError

    if journal is not None:
        from archsweep.run.keeping import JournalKeeper, unfinished

        before = unfinished(journal) if resume is not None else None
        if resume is not None and before is None:
            raise SettingsError(f"no unfinished run in {journal}", "Start one with: archsweep run --journal FILE")
        if resume is None and journal.exists() and journal.stat().st_size:
            raise SettingsError(f"{journal} holds a run already", "Choose another file, or go on with --resume.")
        return JournalKeeper(journal, before)
    from archsweep.commands import _database

    if resume is None:
        return _database.DatabaseKeeper(database)
    return _database.DatabaseKeeper(database, _database.resumable(_database.journals(database), resume or None))

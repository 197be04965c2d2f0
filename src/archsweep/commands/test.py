"""`archsweep test`: real weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsweep.commands._selection import split
from archsweep.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from archsweep.run.plan import Options


@click.command()
@click.argument("what", metavar="PATH_OR_ID")
@click.option(
    "--platform", "--hardware", "platforms", multiple=True, metavar="NAME…|present|auto", help="Where to run."
)
@click.option(
    "--check", "checks", multiple=True, metavar="NAME…|all", help="What to ask; default: all but costly ones."
)
@click.option("--dtype", "dtypes", multiple=True, metavar="NAME…", help="In what; default: the platform's first.")
@click.option("--option", "chosen", multiple=True, metavar="KEY=VALUE", help="An option of a platform.")
@click.option("--jobs", metavar="NUMBER", help="Workers at a time; default: one for each core.")
@click.option("--timeout", metavar="SECONDS", help="Deadline of each case; default: 120.")
@click.option("--memory", metavar="SIZE", help="Memory bound of each worker; default: 3G.")
@click.option("--allow-pickle", is_flag=True, help="Load weights that are pickles: this runs whatever code they hold.")
@click.option("--trust-remote-code", is_flag=True, help="Allow the Python code that the checkpoint brings to run.")
@click.option("--db", metavar="FILE", help="The results database; default: archsweep.duckdb, or ARCHSWEEP_DB.")
@click.option("--cache", metavar="FOLDER", help="Where catalog and references are kept.")
@click.option("--quiet", is_flag=True, help="No progress.")
@click.option("--json", "as_json", is_flag=True, help="The last line of the output is the summary as JSON.")
def command(what: str, **given: Any) -> int:
    """Test real weights: a saved folder or a hub id.

    The folder is one that save_pretrained wrote; an id is taken from the cache, and where the hub answers, from there.

    \b
    archsweep test ./my-model
    archsweep test sentence-transformers/all-MiniLM-L6-v2 --platform present
    archsweep test ./my-model --check generate,save_load --dtype bfloat16

    Inputs are what the checkpoint's own tokenizer and processors make of raw text, images and sound. Only safetensors
    are loaded, unless --allow-pickle is given; no code of the checkpoint is run, unless --trust-remote-code is.

    \b
    Exit codes: 0 no findings, 1 findings or nothing that passed, 2 no such weights or wrong usage,
    3 a harness is broken, 130 interrupted.
    """
    from archsweep import settings
    from archsweep.commands import _database, _outcome
    from archsweep.machine import cores
    from archsweep.run.sweep import Manner, sweep, validate

    flags = {name: given[name] for name in ("db", "cache", "jobs", "timeout", "memory")}
    flags |= {name: split(given[name], f"--{name[:-1]}") for name in ("platforms", "checks")}
    known = {name: item.value for name, item in settings.load(flags).items()}
    options = validate(_options(what, known, given))
    (subject,) = options.selection.classes
    click.echo(f"{options.weights}: {subject}, {options.checkpoint}")
    manner = Manner(jobs=known["jobs"] or cores(), quiet=given["quiet"], strict=True)
    outcome = sweep(options, manner, _database.DatabaseKeeper(known["db"]))
    _show_cells(known["db"], subject, str(outcome.summary["run"]))
    _outcome.show(outcome, options, str(known["db"]), str(known["db"]))
    if given["as_json"]:
        click.echo(json.dumps(outcome.summary))
    return outcome.exit_code or _unverified(outcome.summary)


def _options(what: str, known: dict[str, Any], given: dict[str, Any]) -> Options:
    """Every check that is not costly on the class of these weights. Raises CheckpointFault."""
    from archsweep import registry
    from archsweep.archs import catalog, weights
    from archsweep.archs.selection import Selection
    from archsweep.run import axes
    from archsweep.run.plan import Options

    found = weights.locate(what, allow_pickle=given["allow_pickle"], code=given["trust_remote_code"])
    cache = known["cache"].absolute()
    trusted = given["trust_remote_code"] and weights.CODE in found.config
    imports = (str(found.folder),) if trusted else ()
    subject = weights.subject(found, catalog.load(cache=cache, imports=imports, trust_remote_code=trusted))
    every = registry.loadable("checks")
    usual = tuple(name for name, check in every.items() if not getattr(check, "costly", False))
    return Options(
        selection=Selection(classes=(subject.id,)),
        platforms=known["platforms"],
        checks=split(given["checks"], "--check") or usual,
        dtypes=split(given["dtypes"], "--dtype"),
        chosen=axes.parse(given["chosen"]),
        timeout_s=known["timeout"],
        memory_bytes=known["memory"],
        cache=str(cache),
        checkpoint=str(found.folder),
        weights=found.name,
        imports=imports,
        trust_remote_code=trusted,
    )


def _unverified(summary: Mapping[str, Any]) -> int:
    """Says so, and ends otherwise than well, where nothing went wrong because nothing was tried."""
    if any(counts["by_status"].get("pass") for counts in summary["by_platform"].values()):
        return EXIT_OK
    click.echo("Nothing passed: these weights are not verified. The reasons are above.", err=True)
    return EXIT_FINDINGS


def _show_cells(database: Path, subject: str, run: str) -> None:
    """What each check came to."""
    from archsweep.render import cell
    from archsweep.render.terminal import console
    from archsweep.store import read

    names = [name for name in read.case_names(database) if name.startswith(f"{subject}:")]
    rows = [row for row in read.cells(database, cases=names, every_fingerprint=True) if row["run"] == run]
    cell.show_candidates(subject, rows, console())

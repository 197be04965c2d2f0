"""`archsweep test`: real weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from archsweep.commands._selection import split
from archsweep.errors import EXIT_FINDINGS


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
    from archsweep import registry, settings
    from archsweep.archs import catalog, weights
    from archsweep.archs.selection import Selection
    from archsweep.commands import _database, _outcome
    from archsweep.machine import cores
    from archsweep.run import axes
    from archsweep.run.plan import Options
    from archsweep.run.sweep import Manner, sweep, validate

    flags = {name: given[name] for name in ("db", "cache", "jobs", "timeout", "memory")}
    flags |= {name: split(given[name], f"--{name[:-1]}") for name in ("platforms", "checks")}
    known = {name: item.value for name, item in settings.load(flags).items()}
    found = weights.locate(what, allow_pickle=given["allow_pickle"], code=given["trust_remote_code"])
    cache = known["cache"].absolute()
    trusted = given["trust_remote_code"] and weights.CODE in found.config
    imports = (str(found.folder),) if trusted else ()
    universe = catalog.load(cache=cache, imports=imports, trust_remote_code=trusted)
    subject = weights.subject(found, universe)
    every = registry.loadable("checks")
    usual = tuple(name for name, check in every.items() if not getattr(check, "costly", False))
    options = validate(
        Options(
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
    )
    click.echo(f"{found.name}: {subject.class_name} of model type {subject.model_type}, {found.folder}")
    manner = Manner(jobs=known["jobs"] or cores(), quiet=given["quiet"], strict=True)
    outcome = sweep(options, manner, _database.DatabaseKeeper(known["db"]))
    _show_cells(known["db"], subject.id, str(outcome.summary["run"]))
    _outcome.show(outcome, options, str(known["db"]), str(known["db"]))
    if given["as_json"]:
        click.echo(json.dumps(outcome.summary))
    passed = sum(counts["by_status"].get("pass", 0) for counts in outcome.summary["by_platform"].values())
    if not passed and not outcome.exit_code:
        click.echo("Nothing passed: these weights are not verified. The reasons are above.", err=True)
        return EXIT_FINDINGS
    return outcome.exit_code


def _show_cells(database: Path, subject: str, run: str) -> None:
    """What each check came to."""
    from archsweep.render import cell
    from archsweep.render.terminal import console
    from archsweep.store import read

    names = [name for name in read.case_names(database) if name.startswith(f"{subject}:")]
    rows = [row for row in read.cells(database, cases=names, every_fingerprint=True) if row["run"] == run]
    cell.show_candidates(subject, rows, console())

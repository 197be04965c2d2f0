"""`archsweep test`: one architecture on its tiny models, or one checkpoint with its real weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsweep.commands._selection import split
from archsweep.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from archsweep.contract import Subject
    from archsweep.run.plan import Options


@click.command(short_help="One architecture, or real weights: everything that is known.")
@click.argument("what", metavar="NAME")
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
    """Test one architecture, or one real checkpoint: every check that is not costly.

    NAME is a folder that save_pretrained wrote, a model type, a model class as TYPE/CLASS, or a hub id, which is taken
    from the cache, and where the hub answers, from there. A folder wins over a model type, and a model type over an id.

    \b
    archsweep test bert                                          tiny models of all its mapped classes
    archsweep test bert/BertModel --platform present
    archsweep test ./my-model
    archsweep test sentence-transformers/all-MiniLM-L6-v2 --platform present
    archsweep test ./my-model --check generate,save_load --dtype bfloat16

    Inputs of a checkpoint are what its own tokenizer and processors make of raw text, images and sound. Only
    safetensors are loaded, unless --allow-pickle is given; no code of the checkpoint is run, unless --trust-remote-code
    is. Of an architecture, what the catalog says of it comes first.

    \b
    Exit codes: 0 no findings, 1 findings or nothing that passed, 2 no such name or wrong usage,
    3 a harness is broken, 130 interrupted.
    """
    from archsweep import settings
    from archsweep.commands import _database, _outcome
    from archsweep.machine import cores
    from archsweep.run.sweep import Manner, sweep, validate

    flags = {name: given[name] for name in ("db", "cache", "jobs", "timeout", "memory")}
    flags |= {name: split(given[name], f"--{name[:-1]}") for name in ("platforms", "checks")}
    known = {name: item.value for name, item in settings.load(flags).items()}
    subjects, wanted = _meant(what, known, given)
    options = validate(wanted)
    manner = Manner(jobs=known["jobs"] or cores(), quiet=given["quiet"], strict=True)
    keeper = _database.DatabaseKeeper(known["db"])
    described = _describe(what, subjects, options)
    outcome = sweep(options, manner, keeper)
    _show_cells(known["db"], what if described else subjects[0].id, str(outcome.summary["run"]))
    _outcome.show(outcome, options, str(known["db"]), str(known["db"]))
    if given["as_json"]:
        click.echo(json.dumps({**outcome.summary, **({"known": described} if described else {})}))
    return outcome.exit_code or _unverified(outcome.summary)


def _meant(what: str, known: dict[str, Any], given: dict[str, Any]) -> tuple[tuple[Subject, ...], Options]:
    """The classes that a name means, and what to ask of them. Raises CheckpointFault where it means nothing."""
    from archsweep.archs import catalog, weights
    from archsweep.archs.selection import meant, nearest_to
    from archsweep.errors import NoCheckpoint

    universe = catalog.load(cache=known["cache"].absolute())
    subjects = meant(universe, what)
    is_folder = bool(what) and Path(what).is_dir()
    if subjects and not is_folder:
        for flag in ("allow_pickle", "trust_remote_code"):
            if given[flag]:
                raise click.UsageError(
                    f"--{flag.replace('_', '-')} is for the files of a checkpoint, and {what} is {_kind(what)}."
                )
        return subjects, _options(subjects, known, given)
    if subjects:
        other = f"archsweep run --{'class' if '/' in what else 'model'} {what} --check all"
        click.echo(f"{what} is a folder here, and {_kind(what)} too. The folder is taken; for the other: {other}")
    try:
        found = weights.locate(what, allow_pickle=given["allow_pickle"], code=given["trust_remote_code"])
    except NoCheckpoint as error:
        near = ", ".join(nearest_to(universe, what)) or "none"
        hint = f"Nor is it a model type, or a class as TYPE/CLASS; nearest: {near}. See all: archsweep list models"
        raise NoCheckpoint(error.message, f"{error.next_step}\n{hint}") from error
    trusted = given["trust_remote_code"] and weights.CODE in found.config
    imports = (str(found.folder),) if trusted else ()
    if trusted:
        universe = catalog.load(cache=known["cache"].absolute(), imports=imports, trust_remote_code=True)
    subject = weights.subject(found, universe)
    of_weights = {"checkpoint": str(found.folder), "weights": found.name}
    return (subject,), _options((subject,), known, given, imports=imports, trust_remote_code=trusted, **of_weights)


def _kind(name: str) -> str:
    return "a class" if "/" in name else "a model type"


def _options(subjects: tuple[Subject, ...], known: dict[str, Any], given: dict[str, Any], **more: Any) -> Options:
    """Every check that is not costly on these classes."""
    from archsweep import registry
    from archsweep.archs.selection import Selection
    from archsweep.run import axes
    from archsweep.run.plan import Options

    every = registry.loadable("checks")
    usual = tuple(name for name, check in every.items() if not getattr(check, "costly", False))
    return Options(
        selection=Selection(classes=tuple(subject.id for subject in subjects)),
        platforms=known["platforms"],
        checks=split(given["checks"], "--check") or usual,
        dtypes=split(given["dtypes"], "--dtype"),
        chosen=axes.parse(given["chosen"]),
        timeout_s=known["timeout"],
        memory_bytes=known["memory"],
        cache=str(known["cache"].absolute()),
        **more,
    )


def _describe(what: str, subjects: tuple[Subject, ...], options: Options) -> dict[str, Any]:
    """Print what is tested: weights and their class in a line, of an architecture all that the catalog says; returns
    that."""
    from archsweep.archs.listing import meant_row
    from archsweep.render import cell
    from archsweep.render.terminal import console

    if options.checkpoint:
        click.echo(f"{options.weights}: {subjects[0].id}, {options.checkpoint}")
        return {}
    row = meant_row(subjects)
    cell.show_facts(what, row, console())
    return row


def _unverified(summary: Mapping[str, Any]) -> int:
    """Says so, and ends otherwise than well, where nothing went wrong because nothing was tried."""
    if any(counts["by_status"].get("pass") for counts in summary["by_platform"].values()):
        return EXIT_OK
    click.echo("Nothing passed: nothing here is verified. The reasons are above.", err=True)
    return EXIT_FINDINGS


def _show_cells(database: Path, name: str, run: str) -> None:
    """What each check came to, and whether earlier runs know more."""
    from archsweep.render import cell
    from archsweep.render.terminal import console
    from archsweep.store import read

    names = [found for found in read.case_names(database) if found.startswith((f"{name}:", f"{name}/"))]
    rows = read.cells(database, cases=names, every_fingerprint=True)
    own = [row for row in rows if row["run"] == run]
    cell.show_candidates(name, own, console())
    if len(rows) > len(own):
        click.echo(f"{len(rows) - len(own)} more of earlier runs: archsweep show {name} --db {database}")

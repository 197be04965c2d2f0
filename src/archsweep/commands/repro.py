"""`archsweep repro`: a script without archsweep in it that shows what a cell shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from archsweep.commands._reading import Row, check_names, database_option, database_path
from archsweep.commands._selection import universe_options
from archsweep.errors import ArchsweepError

if TYPE_CHECKING:
    from archsweep.contract import Subject

SHOWN = 12  # cells that an answer names


@click.command(short_help="A short script without archsweep that shows what a cell shows.")
@click.argument("cell")
@database_option
@universe_options
@click.option("--output", "output", metavar="FILE", help="Write the script there instead of printing it.")
@click.option(
    "--run", "run_it", is_flag=True, help="Run the script as well, in a process of its own; ends with its exit code."
)
def command(
    *, cell: str, database: str | None, output: str | None, run_it: bool, imports: tuple[str, ...],
    trust_remote_code: bool,
) -> int:  # fmt: skip
    """A script of at most 40 lines, in plain torch and transformers, that shows the same failure or pass as CELL.

    For cells of the cpu platform; what ended on another one, the command that `archsweep show CELL` prints repeats. The
    script ends with 0 where the cell passes, and with another code where it fails.

    \b
    archsweep repro llama/LlamaModel:cpu:parity
    archsweep repro llama/LlamaModel:cpu:parity --run
    archsweep repro llama/LlamaModel:cpu:parity --output llama.py
    """
    import subprocess
    import sys
    import tempfile

    from archsweep import settings
    from archsweep.contract import TINY, VERIFYING
    from archsweep.errors import SettingsError
    from archsweep.store import read

    path = database_path(database)
    _check(cell, read.case_names(path), path)
    history = read.case_history(path, cell)
    row = next((row for row in history if row["current"]), history[0])
    if row["platform"] != settings.DEFAULT_PLATFORM:
        raise SettingsError(
            f"a script without archsweep is written for {settings.DEFAULT_PLATFORM} alone; not for {row['platform']}",
            f"This repeats the case: archsweep run --class {row['model_type']}/{row['class_name']} --platform "
            f"{row['platform']} --check {row['check']}",
        )
    if row["weights"] != TINY or row["check"] not in VERIFYING:
        raise SettingsError(
            f"a script without archsweep is written for {' and '.join(VERIFYING)} of tiny weights alone",
            f"What repeats this cell: archsweep show {cell}",
        )
    known = settings.load({"imports": imports})["imports"].value
    text = _script(read.subject(path, row["model_type"], row["class_name"]), row, known, trust_remote_code)
    if output:
        Path(output).write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)
    if not run_it:
        return 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "repro.py"
        file.write_text(text, encoding="utf-8")
        return subprocess.run([sys.executable, "-W", "ignore", str(file)], check=False).returncode


def _check(cell: str, names: Sequence[str], database: Path) -> None:
    """Raises ArchsweepError where the database has no such cell: with the cells that are meant, else the nearest."""
    if cell in names:
        return
    meant = [name for name in names if name.startswith((f"{cell}/", f"{cell}:")) or f"/{cell}:" in name]
    if not meant:
        check_names("cell", [cell], names, database)
    more = f", and {len(meant) - SHOWN} more" if len(meant) > SHOWN else ""
    raise ArchsweepError(f"{cell!r} is {len(meant)} cells: name one", f"{', '.join(meant[:SHOWN])}{more}.")


def _script(subject: Subject, row: Row, imports: tuple[str, ...], trusted: bool) -> str:
    import torch

    from archsweep.archs import importing, lively, recipe, torchvision_bridge
    from archsweep.errors import NoRecipe, SettingsError
    from archsweep.render import repro

    title = f"{row['case']} ended: {row['status']}"
    notes = importing.warm()
    importing.join(imports, trust_remote_code=trusted)
    bridged = torchvision_bridge.names() if notes else ()
    foreign = subject.class_module.partition(".")[0] != "transformers"
    modules = tuple(name for name in imports if foreign and not importing.is_folder(name))
    made: Mapping[str, Any] = {}
    draws: list[lively.Draw | None] = []
    names: list[str] = []
    grouped = False
    try:
        found = recipe.find(subject)
        seed = (row["details"].get("recipe") or {}).get("seed", found.seed)
        found = recipe.again(found, seed)
        model = recipe.construct(subject, found.config)
        with torch.no_grad():
            drawn = {id(tensor): draw for _, tensor, draw in lively.draws(model, found.seed)}
        grouped = getattr(model.config, "_experts_implementation", "") == "grouped_mm"
        tensors = [*model.named_parameters(), *model.named_buffers()]
        names, draws = [name for name, _ in tensors], [drawn.get(id(tensor)) for _, tensor in tensors]
    except NoRecipe:
        found = recipe.first_attempt(subject)
    except (ImportError, AttributeError):  # the class itself is not to be had: its import says why
        return repro.importing(title, subject.class_name, subject.class_module, subject.config_class, modules, bridged)
    made = recipe.make_inputs(subject, found)
    if any(isinstance(value, Mapping) for value in made.values()):
        raise SettingsError(
            f"{subject.id} takes a session, an object that each pass writes to; no script of "
            f"{repro.MOST_LINES} lines can make it",
            f"archsweep run --class {subject.id} repeats its cases.",
        )
    told = repro.Told(
        title=title, class_name=subject.class_name, class_module=subject.class_module,
        config=recipe.config_call(subject, found), inputs=made, draws=draws, names=names, subject=subject.id,
        seed=found.seed, dtype=row["dtype"], check=row["check"], imports=modules,
        torchvision=bridged, grouped=grouped,
    )  # fmt: skip
    return repro.script(told)

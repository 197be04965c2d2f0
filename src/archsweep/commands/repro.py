"""`archsweep repro`: a script without archsweep in it that shows what a cell shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archsweep.commands._reading import check_names, database_option, database_path

if TYPE_CHECKING:
    from archsweep.contract import Subject


@click.command(short_help="A short script without archsweep that shows what a cell shows.")
@click.argument("cell")
@database_option
@click.option("--output", "output", metavar="FILE", help="Write the script there instead of printing it.")
@click.option(
    "--run", "run_it", is_flag=True, help="Run the script as well, in a process of its own; ends with its exit code."
)
def command(*, cell: str, database: str | None, output: str | None, run_it: bool) -> int:
    """A script of at most 40 lines, in plain torch and transformers, that shows the same failure or pass as CELL.

    \b
    archsweep repro llama/LlamaModel:cpu:parity
    archsweep repro llama/LlamaModel:cpu:parity --run
    archsweep repro llama/LlamaModel:cpu:parity --output llama.py
    """
    import subprocess
    import sys
    import tempfile

    from archsweep import settings
    from archsweep.errors import SettingsError
    from archsweep.store import read

    path = database_path(database)
    names = read.case_names(path)
    if cell not in names:
        check_names("cell", [cell], names, path)
    row = read.cells(path, cases=[cell], every_fingerprint=True)[0]
    if row["platform"] != settings.DEFAULT_PLATFORM:
        raise SettingsError(
            f"a script without archsweep is written for {settings.DEFAULT_PLATFORM} alone; not for {row['platform']}",
            f"This repeats the case: archsweep run --class {row['model_type']}/{row['class_name']} --platform "
            f"{row['platform']} --check {row['check']}",
        )
    text = _script(
        read.subject(path, row["model_type"], row["class_name"]), f"{cell} ended: {row['status']}", row["dtype"]
    )
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


def _script(subject: Subject, title: str, dtype: str) -> str:
    from archsweep.archs import importing, recipe
    from archsweep.errors import NoRecipe, SettingsError
    from archsweep.render import repro

    notes = importing.warm()
    try:
        found = recipe.find(subject)
    except NoRecipe:
        found = recipe.first_attempt(subject)
    except (ImportError, AttributeError):  # the class itself is not to be had: its import says why
        return repro.importing(title, subject.class_name, subject.class_module, subject.config_class)
    made = recipe.make_inputs(subject, found)
    if any(isinstance(value, Mapping) for value in made.values()):
        raise SettingsError(
            f"{subject.id} takes an object that each pass writes to: a plain script of it is not written yet",
            f"archsweep run --class {subject.id} repeats its cases.",
        )
    return repro.script(
        title,
        subject.class_name,
        subject.class_module,
        recipe.config_call(subject, found),
        made,
        hide_torchvision=bool(notes),
        dtype=dtype,
    )

"""`archsweep show`: one cell whole."""

from __future__ import annotations

import click

from archsweep.commands._reading import Row, check_names, database_option, database_path, write


@click.command(short_help="One cell whole: numbers, error, history, how to repeat it.")
@click.argument("cell")
@database_option
@click.option("--json", "as_json", is_flag=True, help="The cell and its history as one object, or the list of cells.")
def command(*, cell: str, database: str | None, as_json: bool) -> None:
    """One cell whole: stages, numbers, error, history, and the command that repeats it alone.

    CELL is a case, or the beginning of some (a model type, a class, a class on a platform): then they are listed.

    \b
    archsweep show bert/BertModel:cpu:parity
    archsweep show bert/BertModel
    archsweep show bert
    """
    from archsweep.analysis import repeat
    from archsweep.render import cell as view
    from archsweep.render.tabular import as_json as json_text
    from archsweep.render.terminal import console
    from archsweep.store import read

    path = database_path(database)
    found = _matching(cell, read.case_names(path))
    if not found:
        known = read.case_names(path)
        check_names("cell", [cell], {*known, *read.names(path)["model_type"]}, path)
    if len(found) > 1:
        rows = read.cells(path, cases=found, every_fingerprint=True)
        if as_json:
            write(json_text(rows))
        else:
            view.show_candidates(cell, rows, console())
        return
    history = read.case_history(path, found[0])
    shown = _spokesman(history)
    asked = read.run_settings(path, shown["run"]).get("options", {})
    again = repeat.command(repeat.case_of(shown), str(path), asked)
    if as_json:
        write(json_text({**shown, "repeat": again, "history": history}))
    else:
        view.show_cell(shown, history, again, console())


def _matching(text: str, cases: list[str]) -> list[str]:
    """The case of that name, else those that begin with it, else those of a class of that name."""
    if text in cases:
        return [text]
    starting = [case for case in cases if case.startswith((f"{text}:", f"{text}/"))]
    return starting or [case for case in cases if case.partition("/")[2].partition(":")[0] == text]


def _spokesman(history: list[Row]) -> Row:
    """The result that `cells` shows, else the newest that was tried, else the newest."""
    tried = [row for row in history if row["status"] not in ("unavailable", "broken")]
    return next((row for row in history if row["current"]), (tried or history)[0])

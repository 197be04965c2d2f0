"""`archsweep query`: read-only SQL over the results."""

from __future__ import annotations

import click

from archsweep.commands._reading import database_option, database_path, write


@click.command()
@click.argument("sql")
@database_option
@click.option("--json", "as_json", is_flag=True, help="A list with one object for each row.")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values with a header line.")
def command(*, sql: str, database: str | None, as_json: bool, as_csv: bool) -> None:
    """One SQL statement that reads (DuckDB's dialect).

    \b
    Tables: cells (one row a case: its newest result), cells_all (one a case and fingerprint),
            results, metrics, errors, runs, subjects, environments.
    "case" and "check" need double quotes.
    \b
    archsweep query "SELECT status, count(*) FROM cells GROUP BY ALL ORDER BY 2 DESC"
    archsweep query "SELECT \\"case\\", error_class, message FROM cells WHERE status = 'error'"
    archsweep query "DESCRIBE cells"
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude one another.")
    from archsweep.render.tabular import as_csv as csv_text
    from archsweep.render.tabular import as_json as json_text
    from archsweep.store import read

    columns, rows = read.query(database_path(database), sql)
    objects = [dict(zip(columns, row, strict=True)) for row in rows]
    if as_json:
        write(json_text(objects))
    elif as_csv:
        write(csv_text(objects, columns))
    else:
        from archsweep.render.terminal import console, show_rows

        show_rows(columns, rows, console())

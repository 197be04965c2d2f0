"""`archsweep accept`: a run's endings become the baseline that later runs are judged against."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="Make a run's endings the baseline that later runs are judged by.")
@click.argument("run")
@click.option(
    "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder of the baseline."
)
@click.option("--db", metavar="FILE", help="The results database; default: archsweep.duckdb, or ARCHSWEEP_DB.")
def command(run: str, output: Path, db: str | None) -> int:
    """Write the endings of RUN (a name, `latest`, or a journal file) as one small sorted file for each model type.

    \b
    archsweep accept latest --output baseline/
    archsweep run --baseline baseline/
    """
    from archsweep.commands._database import results_of
    from archsweep.run import baseline

    versions, results = results_of(run, db)
    count = baseline.write(output, results, versions)
    click.echo(
        f"{len(results)} endings of {count} model types in {output}. Judge a run by them with: --baseline {output}"
    )
    return 0

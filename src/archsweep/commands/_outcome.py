"""A sweep's outcome in a few lines: what is verified, what was found, and the command that repeats each finding."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import click

from archsweep.analysis import repeat
from archsweep.commands._reading import count
from archsweep.encoding import encode

if TYPE_CHECKING:
    from archsweep.contract import Result
    from archsweep.run.plan import Options
    from archsweep.run.sweep import Outcome

MOST = 20


def show(outcome: Outcome, options: Options, place: str, database: str) -> None:
    """Print it. `place` is where the results are; `database` is what --db would name it, "" for a journal."""
    summary = outcome.summary
    for note in outcome.notes:
        click.echo(note)
    for platform, counts in summary["by_platform"].items():
        most = sorted(counts["by_status"].items(), key=lambda item: (item[0] != "pass", -item[1], item[0]))
        ended = ", ".join(f"{number} {status}" for status, number in most) or "none has ended"
        click.echo(f"{platform}: {counts['verified']} verified; of {count(counts['planned'], 'case')}: {ended}")
    for platform, faults in outcome.broken.items():
        click.echo(f"{platform}: its results are not to be trusted: {'; '.join(faults)}", err=True)
    if outcome.mended:
        click.echo(f"{count(len(outcome.mended), 'accepted failure')} now passing: {', '.join(_some(outcome.mended))}")
    if outcome.findings:
        click.echo(count(len(outcome.findings), "finding"))
    for result in outcome.findings[:MOST]:
        click.echo(f"  {result.status} at {result.stage}: {result.case.id}: {result.message}")
        click.echo(f"    {repeat.command(result.case, database, encode(options))}")
    if len(outcome.findings) > MOST:
        click.echo(f"  … and {len(outcome.findings) - MOST} more")
    click.echo(f"run {summary['run']} in {place}, {summary['wall_s']:.0f} s, at most {summary['peak_mb']} MB")
    if outcome.interrupted or outcome.stopped:
        where = ["--db", database] if database else ["--journal", place]
        words = ["archsweep", "run", "--resume", summary["run"], *where]
        why = "interrupted" if outcome.interrupted else "stopped at the first finding"
        click.echo(f"{why}; go on with: {shlex.join(words)}", err=True)


def _some(results: tuple[Result, ...]) -> list[str]:
    names = [result.case.id for result in results[:MOST]]
    return names if len(results) <= MOST else [*names, "…"]

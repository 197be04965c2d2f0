"""Which stored row speaks for a case in the matrix, and since when a case ends as it does. SQL for the other readers.

`newest.current` marks the rows under the newest transformers in the database. What only an older one knows has no such
row; the matrix shows it all the same, as older: `relation` adds those rows.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path

from archsweep.contract import TINY
from archsweep.errors import ArchsweepError, nearest
from archsweep.store.database import Connection, reading
from archsweep.store.rows import newest_version

TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


def ranked(versions: list[str]) -> list[str]:
    """Version numbers from the oldest to the newest."""
    left, found = set(versions), []
    while left:
        last = str(newest_version(sorted(left)))
        left.remove(last)
        found.append(last)
    return found[::-1]


def relation(connection: Connection, columns: str = "*") -> str:
    """SQL of the rows of `newest` that speak for their cases: one for each case of tiny weights."""
    found = connection.execute(
        "select transformers_version, count(*) from newest where weights = ? group by 1", [TINY]
    ).fetchall()
    versions = ranked([name for name, _ in found])
    current = f"select {columns} from newest where current"
    if len(versions) < 2:
        return current
    places = " ".join(f"when {_quoted(name)} then {place}" for place, name in enumerate(versions))
    return f"""
        {current} union all
        select {columns} from newest n
        where weights = '{TINY}' and transformers_version <> {_quoted(versions[-1])}
            and not exists (select 1 from newest c where c.current and c."case" = n."case")
        qualify row_number() over (
            partition by "case" order by case transformers_version {places} end desc, tried desc, finished_at desc,
            run desc, fingerprint desc) = 1
        """


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def changes(spoken: str) -> str:
    """SQL of the time since when each speaking case (of the relation `spoken`) ends as it does.

    That is when the earliest result of the unbroken series of its status ended, over all fingerprints. What was not
    tried (`unavailable`, `broken`) neither breaks nor begins a series, unless that is how the case stands now.
    """
    return f"""
        with spoken as ({spoken}), seen as (
            select r."case", r.finished_at, r.status = s.status as same
            from results r join spoken s on s."case" = r."case"
            where r.finished_at <= s.finished_at
                and (r.status = s.status or not s.tried or r.status not in ('unavailable', 'broken'))
        ), broken as (
            select "case", max(finished_at) as at from seen where not same group by "case"
        )
        select s."case", coalesce(min(s.finished_at) filter (b.at is null or s.finished_at > b.at), max(s.finished_at))
            as changed_at
        from seen s left join broken b using ("case")
        where s.same
        group by s."case"
        """


def changed_at(path: Path) -> dict[str, str]:
    """For each case that the matrix shows, since when it ends as it does (see `changes`): ISO 8601, UTC."""
    with reading(path) as connection:
        found = connection.execute(
            f"select \"case\", strftime(changed_at, '{TIME}') from ({changes(relation(connection))})"
        ).fetchall()
    return {case: time.replace(".000000Z", "Z") for case, time in found}


def moment(path: Path, text: str) -> str:
    """The start of a run (or of `latest`), or a date with or without a time, as a UTC time that compares as text.

    Raises ArchsweepError where it is neither.
    """
    with reading(path) as connection:
        known = connection.execute(
            f"select run, strftime(started_at, '{TIME}') from runs order by started_at, run"
        ).fetchall()
    started = dict(known)
    if text == "latest" and known:
        return str(known[-1][1])
    if text in started:
        return str(started[text])
    if not re.match(r"\d{4}-\d", text):
        near = nearest(text, started) or tuple(reversed([run for run, _ in known[-3:]]))
        runs = f"Runs: {', '.join(near)}. " if near else ""
        raise ArchsweepError(f"there is no run {text!r}", f"{runs}A date is written 2026-11-22 or 2026-11-22T10:00.")
    try:
        found = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ArchsweepError(
            f"{text!r} is no date: {error}", "A date is written 2026-11-22 or 2026-11-22T10:00 (UTC)."
        ) from error
    if found.tzinfo is not None:
        found = found.astimezone(datetime.UTC)
    return found.strftime(TIME)

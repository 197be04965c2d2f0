"""What a report says, as plain tables and blocks of text that a format only has to set. Names no format.

Every text is harmless (`render.words`): one line, no control characters, cut where it is longer than anyone reads.
"""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from archsweep.analysis.causes import Cause
from archsweep.analysis.diff import Change, Ending
from archsweep.analysis.matrix import SEVERITY, Cell
from archsweep.analysis.report import Report
from archsweep.contract import Status
from archsweep.render.words import EVIDENCE_SYMBOLS, SYMBOLS, line, plain

LISTED = 20  # changes of a kind, and lines of the longest, that are shown
NAMED = 400  # architectures of a cause that are named
NUMBER, CODE, LONG, SHORT = "number", "code", "long", "short"
_APART = (Status.UNEXECUTED, Status.UNAVAILABLE)
KINDS = {
    "lost": "passed before, and do not now",
    "gained": "pass now, and did not before",
    "moved": "end badly in another way",
    "untried": "were not tried this time",
    "new": "are new",
    "gone": "are gone",
}


class Field(NamedTuple):
    """A text and what it is: a status, NUMBER, CODE, LONG, SHORT (never broken), or "" for words."""

    text: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """`heads` with the kind of each column; `left_out`: how many rows are not there; `rest`: the command that shows
    them."""

    title: str
    heads: tuple[Field, ...]
    rows: tuple[tuple[Field, ...], ...]
    left_out: int = 0
    rest: str = ""


@dataclass(frozen=True, kw_only=True)
class Block:
    """One root cause, ready to be set."""

    rank: int
    gain: str  # `wins 43 architectures`
    statuses: tuple[Field, ...]
    where: str
    message: str
    operators: str  # those that the message does not name
    architectures: tuple[str, ...]
    left_out: int  # architectures that are not named
    commands: tuple[str, ...]


def many(number: int, word: str) -> str:
    """`1 case`, `2,000 cases`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def lasting(seconds: float) -> str:
    """`0.25 s`, `35 min 14 s`, `2 h 3 min`."""
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def title(report: Report) -> str:
    return f"Run {line(report.run, 80)}" if report.version else "All current results"


def headline(report: Report) -> str:
    """What a reader with five seconds must know."""
    if not report.applicable:
        return f"{many(report.results, 'result')}, none of which verifies anything"
    share = int(1000 * report.verified / report.applicable) / 10
    places = many(len(report.platforms), "platform")
    return f"{report.verified:,} of {report.applicable:,} verified on {places} ({share:.1f} %)"


def facts(report: Report) -> Iterator[tuple[str, str]]:
    started = report.started_at[:19].replace("T", " ")
    yield "started", f"{started} UTC" if started else "unknown"
    if report.version:
        ended = f"after {lasting(_duration(report))}" if report.finished_at else "not yet: it was cut off, or goes on"
        yield "ended", ended
        yield "archsweep", line(report.version)
    taken = f", {report.reused:,} of them taken over from earlier runs" if report.reused and report.version else ""
    yield "results", f"{report.results:,}{taken}"
    if report.findings is not None:
        yield "findings", f"{report.findings:,}"
    yield "endings", ", ".join(f"{count:,} {SYMBOLS[name]} {name}" for name, count in report.by_status.items())


def _duration(report: Report) -> float:
    first, last = (datetime.datetime.fromisoformat(text) for text in (report.started_at, report.finished_at))
    return max(0.0, (last - first).total_seconds())


def platforms(report: Report) -> Table:
    """The coverage row of each platform."""
    heads = (
        "platform", "verified", "of", "share", "worst ending", "evidence", "unexecuted", "unavailable", "the others",
    )  # fmt: skip
    return Table(
        title="Coverage by platform",
        heads=tuple(Field(name, NUMBER if name in _NUMBERS else "") for name in heads),
        rows=tuple(_platform(cell) for cell in report.platforms),
    )


_NUMBERS = ("verified", "of", "share", "unexecuted", "unavailable", "passed")


def _platform(cell: Cell) -> tuple[Field, ...]:
    apart = [cell.by_status.get(name, 0) for name in _APART]
    rest = [f"{count:,} {name}" for name, count in segments(cell)[bool(cell.verified) :] if name not in _APART]
    return (
        Field(line(cell.place[0])),
        Field(f"{cell.verified:,}", NUMBER),
        Field(f"{cell.applicable:,}", NUMBER),
        Field(_share(cell), NUMBER),
        Field(f"{SYMBOLS[cell.status]} {cell.status}" if cell.status else "", cell.status),
        Field(f"{EVIDENCE_SYMBOLS[cell.evidence]} {cell.evidence}" if cell.applicable else "", SHORT),
        *(Field(f"{count:,}" if count else "–", NUMBER) for count in apart),
        Field(", ".join(rest) or "–", LONG),
    )


def _share(cell: Cell) -> str:
    return f"{int(1000 * cell.verified / cell.applicable) / 10:.1f} %" if cell.applicable else ""


def segments(cell: Cell) -> list[tuple[str, int]]:
    """(status, how many) of a platform, the passes first, then the most severe: what a bar shows."""
    return [(name, cell.by_status[name]) for name in (Status.PASS, *SEVERITY[:-1]) if cell.by_status.get(name)]


def checks(report: Report) -> Table:
    """Every check on every platform, over all classes and options that were asked."""
    heads = ("platform", "check", "passed", "of", "share", "worst ending", "evidence")
    return Table(
        title="Coverage by check",
        heads=tuple(Field(name, NUMBER if name in _NUMBERS else "") for name in heads),
        rows=tuple(
            (Field(line(cell.place[0])), Field(line(cell.place[1])), *_platform(cell)[1:6]) for cell in report.checks
        ),
    )


def changed(report: Report) -> str:
    """One sentence on what is different from the run before."""
    found = report.changes
    if not report.version:
        return "These are the newest results of several runs. A run against the one before it: archsweep report RUN"
    if found is None:
        return "There is no earlier finished run of the same selection and platforms to compare with."
    counts = {name: len(getattr(found, name)) for name in KINDS}
    told = [f"{count:,} {KINDS[name]}" for name, count in counts.items() if count]
    since = f"Since run {line(report.previous, 80)}"
    return f"{since}: {'; '.join([*told, f'{found.alike:,} ended alike'])}."


def changes(report: Report) -> Iterator[Table]:
    """A table for each kind of change that there is."""
    for name, words in KINDS.items():
        found: Sequence[Change] = getattr(report.changes, name) if report.changes is not None else ()
        if found:
            yield Table(
                title=f"Cases that {words}",
                heads=(Field("case"), Field("before"), Field("now"), Field("message")),
                rows=tuple(_change(change) for change in found[:LISTED]),
                left_out=max(0, len(found) - LISTED),
                rest=whole(report),
            )


def _change(change: Change) -> tuple[Field, ...]:
    told = change.after or change.before
    return (
        Field(line(change.case, 160), CODE),
        _ending(change.before),
        _ending(change.after),
        Field(line(told.message, 160) if told else "", LONG),
    )


def _ending(ending: Ending | None) -> Field:
    if ending is None:
        return Field("·")
    at = "" if ending.status == Status.PASS else f" at {ending.stage}"
    return Field(f"{SYMBOLS[ending.status]} {ending.status}{at}", ending.status)


def causes(report: Report, top: int) -> list[Block]:
    return [_block(rank, cause, report) for rank, cause in enumerate(report.causes[:top], start=1)]


def _block(rank: int, cause: Cause, report: Report) -> Block:
    gain = f"wins {many(len(cause.wins), 'architecture')}" if cause.wins else "wins nothing alone"
    more = len(cause.architectures) - len(cause.wins)
    if not cause.wins or more:
        gain += f", concerns {len(cause.architectures):,}"
    name = cause.error_class if cause.error_class not in cause.statuses else ""
    parts = (
        f"at {cause.stage}",
        line(name, 80),
        f"on {line(', '.join(cause.platforms), 120)}",
        many(cause.cases, "case"),
    )
    named = [*cause.wins, *(name for name in cause.architectures if name not in set(cause.wins))]
    message = line(cause.message, 400)
    told = all(name.replace(".", "::") in message or name in message for name in cause.operators)
    return Block(
        rank=rank,
        gain=gain,
        statuses=tuple(Field(f"{SYMBOLS[status]} {status}", status) for status in cause.statuses),
        where=" · ".join(part for part in parts if part),
        message=message,
        operators="" if told else line(", ".join(cause.operators), 300),
        architectures=tuple(line(name, 60) for name in named[:NAMED]),
        left_out=max(0, len(named) - NAMED),
        commands=tuple(plain(text, 2_000).replace("\n", " ") for text in report.repeats.get(cause.example, ())),
    )


def causes_told(report: Report, top: int) -> str:
    """One sentence on how the causes are counted and ranked."""
    if not report.causes:
        return "Nothing failed."
    shown = f"The first {top} of {len(report.causes):,}" if len(report.causes) > top else f"All {len(report.causes):,}"
    if len(report.causes) == 1:
        shown = "The only one"
    return (
        f"{shown}, by how many architectures would be verified somewhere if that alone were mended. Failures with the "
        "same stage, error, operators and words are of one cause."
    )


def slowest(report: Report) -> Table:
    heads = (Field("case"), Field("ended"), Field("seconds", NUMBER), Field("one pass, ms", NUMBER))
    return Table(
        title="Slowest cases",
        heads=heads,
        rows=tuple(
            (
                Field(line(slow.case, 160), CODE),
                Field(f"{SYMBOLS[slow.status]} {slow.status}", slow.status),
                Field(f"{slow.wall_s:,.2f}", NUMBER),
                Field("" if slow.run_s is None else f"{1000 * slow.run_s:,.1f}", NUMBER),
            )
            for slow in report.slowest[: LISTED // 2]
        ),
    )


def heaviest(report: Report) -> Table:
    measured = any(heavy.memory_mb is not None for heavy in report.heaviest)
    heads = [Field("class"), Field("parameters", NUMBER)]
    if measured:
        heads += [Field("platform"), Field("most memory, MB", NUMBER), Field("of the")]
    rows = []
    for heavy in report.heaviest[: LISTED // 2]:
        row = [
            Field(line(heavy.subject, 160), CODE),
            Field(f"{heavy.parameters:,}" if heavy.parameters else "", NUMBER),
        ]
        if measured:
            memory = "" if heavy.memory_mb is None else f"{heavy.memory_mb:,.0f}"
            row += [Field(line(heavy.platform)), Field(memory, NUMBER), Field(heavy.memory_of)]
        rows.append(tuple(row))
    return Table(title="Heaviest classes", heads=tuple(heads), rows=tuple(rows))


def environments(report: Report) -> Table:
    heads = ("fingerprint", "platforms", "results", "device and system", "versions")
    rows = []
    for used in report.environments[:LISTED]:
        known = used.environment
        system = (known["device"], known["processor"], known["driver"], known["system"], f"Python {known['python']}")
        versions = ", ".join(f"{name} {number}" for name, number in sorted(known["versions"].items()))
        told = dict.fromkeys(part for part in (*system, f"{known['cores']} cores") if part)
        notes = "".join(f"; {note}" for note in known["notes"] or ())
        rows.append((
            Field(line(known["id"]), CODE), Field(line(", ".join(used.platforms), 200)),
            Field(f"{used.results:,}", NUMBER), Field(line(", ".join(told) + notes, 400), LONG),
            Field(line(versions, 600), LONG),
        ))  # fmt: skip
    return Table(
        title="Environments",
        heads=tuple(Field(name, NUMBER if name == "results" else "") for name in heads),
        rows=tuple(rows),
        left_out=max(0, len(report.environments) - LISTED),
        rest=whole(report),
    )


def whole(report: Report) -> str:
    """The command that gives every list whole."""
    return _again(report, "--format", "json")


def rest_of_causes(report: Report) -> str:
    return _again(report, "--top", str(len(report.causes)))


def _again(report: Report, *more: str) -> str:
    words = ["archsweep", "report", report.named, *more, *(["--db", report.database] if report.database else [])]
    return line(shlex.join(words), 2_000)

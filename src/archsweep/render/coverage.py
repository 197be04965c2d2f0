"""Coverage as text: for a terminal, as Markdown reports, as a README's section and as a badge. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from archsweep.analysis import coverage as analysis
from archsweep.analysis.coverage import Completion, Count, Coverage, Judged
from archsweep.errors import SettingsError
from archsweep.render.markdown import escape
from archsweep.render.words import line
from archsweep.settings import DEFAULT_PLATFORM

BEGIN, END = "<!-- coverage: begin -->", "<!-- coverage: end -->"
REPORT, DETAILS, BADGE = "HF_COVERAGE_REPORT.md", "HF_COVERAGE_DETAILS.md", "coverage.svg"
PHASES = {1: "core", 2: "high priority", 3: "expansion", 4: "medium", 5: "low", 6: "complete"}
PLATFORM = "platform"
HEADS = ("model types", "generated", "executed", "verified", "complete")
MARKS = {Judged.YES: "✓", Judged.NO: "✗", Judged.NOT: "–"}
COLOURS = ((95, "#2e7d32"), (80, "#8d6e00"), (0, "#b3261e"))  # from so many percent on; white stays readable on each
GUIDE = {
    "generated": "its test file compiled, was collected and left results",
    "executed": "its base class ran there and gave an answer",
    "verified": "the answer is finite and equal to the float64 reference, on the claimed device",
    "complete": "verified, and every other criterion that can be judged is met",
}

Table = tuple[str, Sequence[Count]]


def tables(coverage: Coverage) -> list[Table]:
    """(what the lines are, the lines) of each breakdown of model types."""
    phases = [
        analysis.counted(
            f"{number} {PHASES[number]}", [item for item in coverage.architectures if item.phase == number]
        )
        for number in PHASES
    ]
    return [
        ("phase", phases),
        ("category", analysis.by(coverage, lambda item: item.category)),
        ("architecture", analysis.by(coverage, lambda item: item.architecture)),
        (PLATFORM, analysis.by_platform(coverage)),
    ]


def headline(coverage: Coverage) -> str:
    whole = coverage.whole
    return (
        f"{whole.verified} of {whole.total} model types of transformers {coverage.transformers_version} verified on "
        f"{DEFAULT_PLATFORM} ({percent(coverage.percent)}), {whole.executed} executed, {whole.generated} generated, "
        f"{whole.complete} complete"
    )


def percent(value: float) -> str:
    """One decimal place, never rounded up to what is not reached."""
    return f"{int(value * 10) / 10:.1f} %"


def show(coverage: Coverage, console: Any, names: Iterable[str] = ()) -> None:
    """The headline and the tables; `names`: of the breakdowns, all if empty."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid

    wanted = set(names)
    console.print(f"[bold]{headline(coverage)}[/bold]", highlight=False, soft_wrap=True)
    for name, counts in tables(coverage):
        if counts and (not wanted or name in wanted):
            grid = Grid(box=SIMPLE_HEAD, pad_edge=False)
            for number, head in enumerate((name, *_columns(name))):
                grid.add_column(head, justify="right" if number else "left", style=None if number else "bold")
            for count in (*counts, coverage.whole) if name != PLATFORM else counts:
                grid.add_row(*_cells(count, _columns(name)))
            console.print(grid)
    if not wanted or "check" in wanted:
        grid = Grid(box=SIMPLE_HEAD, pad_edge=False)
        for number, head in enumerate(CHECKED):
            grid.add_column(head, justify="right" if number > 1 else "left", style=None if number else "bold")
        for row in _checked(coverage):
            grid.add_row(*row)
        console.print(grid)
    if not wanted or "criterion" in wanted:
        for name, found in _criteria(coverage):
            console.print(f"  {name}: {found}", highlight=False)
    if coverage.older:
        console.print(f"{coverage.older} cells are of other releases of transformers and count for nothing.")


def _cells(count: Count, columns: Sequence[str]) -> list[str]:
    found = {"model types": count.total, **_counts(count)}
    return [count.name, *(str(found[name]) for name in columns)]


def _columns(name: str) -> tuple[str, ...]:
    """Of a breakdown: a file, and completeness, are of no platform."""
    return HEADS if name != PLATFORM else tuple(head for head in HEADS if head not in ("generated", "complete"))


CHECKED = ("check", "platform", "verified", "applicable", "inapplicable", "classes")


def _checked(coverage: Coverage) -> list[list[str]]:
    return [
        [item.check, item.platform, *map(str, (item.verified, item.applicable, item.inapplicable, item.total))]
        for item in coverage.checks
    ]


def _criteria(coverage: Coverage) -> Iterator[tuple[str, str]]:
    for criterion, (met, judged) in analysis.met(coverage).items():
        yield str(criterion), f"{met} of {judged}" if judged else "not judged"


def report(coverage: Coverage, command: str) -> str:
    """HF_COVERAGE_REPORT.md. `command`: what made the results."""
    parts = [
        f"# Coverage of transformers {coverage.transformers_version}", "", f"**{headline(coverage)}.**", "",
        "Counted from stored results: a file that nobody ran counts for nothing, and the denominator is what",
        "transformers has.", "", *(("Made by", "", f"```sh\n{command}\n```", "") if command else ()),
        *(f"- **{word}**: {text}" for word, text in GUIDE.items()), "", *_markdown(coverage),
        "## What makes an architecture complete", "", "| criterion | met |", "| --- | --- |",
        *(f"| {name} | {found} |" for name, found in _criteria(coverage)), "",
        "## By check", "", *_table(CHECKED, _checked(coverage)), "", *_roadmap(coverage), *_left(coverage),
    ]  # fmt: skip
    return "\n".join(parts).rstrip("\n") + "\n"


def _markdown(coverage: Coverage) -> Iterator[str]:
    for name, counts in tables(coverage):
        rows = [_cells(count, _columns(name)) for count in counts]
        whole = [[f"**{text}**" for text in _cells(coverage.whole, HEADS)]] if name != PLATFORM else []
        yield from (f"## By {name}", "", *_table((name, *_columns(name)), rows, whole), "")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], ready: Iterable[Sequence[str]] = ()) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    yield from ("| " + " | ".join(map(escape, row)) + " |" for row in rows)
    yield from ("| " + " | ".join(row) + " |" for row in ready)


def _roadmap(coverage: Coverage) -> Iterator[str]:
    """Checkboxes: each model type of the named phases, and how far the others are."""
    yield from ("## Roadmap", "", "A box is ticked when every criterion that can be judged is met.", "")
    total = 0
    for number, name in PHASES.items():
        own = [item for item in coverage.architectures if item.phase == number]
        total += len(own)
        done = sum(item.complete for item in own)
        box = "x" if own and done == len(own) else " "
        yield f"- [{box}] **Phase {number}, {name}**: {done} of {len(own)} (to {total})"
        if number <= 3:
            boxes = (f"[{'x' if item.complete else ' '}] {escape(item.model_type)}" for item in own)
            yield from (f"  - {box}" for box in boxes)
    yield from (f"- {escape(name)}: {escape(why)}" for name, why in coverage.absent.items())
    yield ""


def _left(coverage: Coverage) -> Iterator[str]:
    left = [item for item in coverage.architectures if item.reason]
    if left:
        yield from (f"## Not verified on {DEFAULT_PLATFORM}", "")
        rows = [[item.model_type, item.category, line(item.reason, 160)] for item in left]
        yield from (*_table(("model type", "category", "why"), rows), "")


def details(coverage: Coverage) -> str:
    """HF_COVERAGE_DETAILS.md: a line for each model type."""
    heads = ("model type", "phase", "category", *(str(item) for item in analysis.Criterion), *coverage.platforms)
    rows = [
        [item.model_type, str(item.phase), item.category, *(MARKS[item.criteria[name]] for name in analysis.Criterion),
         *(_on(item, platform) for platform in coverage.platforms)]
        for item in sorted(coverage.architectures, key=lambda item: (item.phase, item.model_type))
    ]  # fmt: skip
    legend = "✓ met, ✗ not met, – not judged; on a platform: verified, executed (and not verified), or nothing"
    return "\n".join([f"# Every model type of transformers {coverage.transformers_version}", "", legend, "",
                      *_table(heads, rows)]) + "\n"  # fmt: skip


def _on(item: Completion, platform: str) -> str:
    return "verified" if platform in item.verified else "executed" if platform in item.executed else ""


def section(coverage: Coverage, badge: str) -> str:
    """What stands in a README between the markers."""
    _, phases = tables(coverage)[0]
    rows = [_cells(count, HEADS) for count in phases]
    whole = [[f"**{text}**" for text in _cells(coverage.whole, HEADS)]]
    return "\n".join(
        [f"![verified: {percent(coverage.percent)}]({badge})", "", f"{headline(coverage)} (`archsweep coverage`).", "",
         *_table(("phase", *HEADS), rows, whole)]
    )  # fmt: skip


def updated(path: Path, text: str, inner: str) -> str:
    """A README's text with another section between its markers. Raises SettingsError where it has none."""
    begin, end = text.find(BEGIN), text.find(END)
    if begin < 0 or end < begin or text.count(BEGIN) != 1 or text.count(END) != 1:
        raise SettingsError(
            f"{path} has not these two lines, once each: {BEGIN} and {END}", "Put them where the table goes."
        )
    fresh = f"\n{inner}\n".replace("\n", "\r\n" if "\r\n" in text else "\n")
    return f"{text[: begin + len(BEGIN)]}{fresh}{text[end:]}"


def badge(coverage: Coverage) -> str:
    """An SVG with the verified share, in words and not by colour alone."""
    from archsweep.render.templating import environment

    name, value = "architectures verified", percent(coverage.percent)
    colour = next(colour for least, colour in COLOURS if coverage.percent >= least)
    text: str = (
        environment()
        .get_template("_badge.svg.j2")
        .render(name=name, value=value, colour=colour, left=_width(name), right=_width(value))
    )
    return text


def _width(text: str) -> int:
    """Pixels that a text of 11 points takes, with room around it."""
    return 7 * len(text) + 12


def as_json(coverage: Coverage) -> dict[str, Any]:
    """What --json prints."""
    return {
        "transformers": coverage.transformers_version, "percent": coverage.percent, **_counts(coverage.whole),
        **{f"by_{name}": {count.name: _counts(count) for count in counts} for name, counts in tables(coverage)},
        "by_check": [dict(zip(CHECKED, row, strict=True)) for row in _checked(coverage)],
        "criteria": {
            name.name.lower(): {"met": met, "judged": judged} for name, (met, judged) in analysis.met(coverage).items()
        },
        "not_verified": {item.model_type: item.reason for item in coverage.architectures if item.reason},
        "older": coverage.older,
    }  # fmt: skip


def _counts(count: Count) -> Mapping[str, int]:
    return {"total": count.total, "generated": count.generated, "executed": count.executed, "verified": count.verified,
            "complete": count.complete}  # fmt: skip


BREAKDOWNS: tuple[str, ...] = ("phase", "category", "architecture", "platform", "check", "criterion")

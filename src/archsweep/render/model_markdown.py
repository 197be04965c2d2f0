"""A page of one model type in Markdown, and the index of many: the same rows give the same bytes.

Text from outside is made harmless wherever it stands: outside of code as text, in code as lines that cannot end it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from archsweep.analysis.matrix import Cell
from archsweep.analysis.model_page import Ending, Kind, Limit, Made, ModelPage, Turn, Worked
from archsweep.render import model_code
from archsweep.render.markdown import escape
from archsweep.render.words import EVIDENCE_SYMBOLS, SYMBOLS, UNTRIED, plain

MARK = "<!-- Made by archsweep from stored results. Changes here are lost. -->"
INDEX = "index.md"
WEIGHTS = "Results stand on other weights of the same model, drawn so that each part matters to the outputs."
MOST_CODE, SHOWN, TURNS = 20_000, 8, 20  # characters of a block; names in a list; turns of a history
KINDS = {  # heading and what it says
    Kind.ENDING: "What does not work",
    Kind.INPUTS: "Inputs that are left out or ignored",
    Kind.UNEXECUTED: "Accepted or predicted, and not executed",
    Kind.UNAVAILABLE: "Not tried: a package or a device was not there",
}


def model_page(page: ModelPage) -> str:
    """The whole page."""
    parts = [
        [MARK, "", f"# {escape(page.model_type)}"],
        _is(page),
        _table("Verified", ("platform", "verified", "evidence"), _summary(page)),
        _table("Classes", ("class", "tasks", "auto mappings", "role"), _classes(page)),
        _tiny(page),
        _platforms(page),
        *(_results(page, name) for name in dict.fromkeys(item.class_name for item in page.endings)),
        _numbers(page),
        *(_limits(page, kind) for kind in KINDS),
        _history(page),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def index(pages: Sequence[ModelPage]) -> str:
    """All pages with what is verified where, by category."""
    platforms = sorted({name for page in pages for name in page.platforms})
    lines = [MARK, "", "# Architectures", "", f"{len(pages)} model types with results. A cell: verified of applicable."]
    for category in sorted({page.category for page in pages}):
        rows = [
            [f"[{escape(page.model_type)}]({file_name(page.model_type)})", escape(page.architecture),
             *(_folded(page.summary.get(name)) for name in platforms)]
            for page in sorted(pages, key=lambda page: page.model_type)
            if page.category == category
        ]  # fmt: skip
        lines += ["", *_table(category, ("model type", "architecture", *platforms), rows)]
    return "\n".join(lines) + "\n"


def file_name(model_type: str) -> str:
    """A name of plain characters; different model types have different names, also where case is not told apart."""
    written = "".join(
        sign if sign in "abcdefghijklmnopqrstuvwxyz0123456789_-" else f"+{ord(sign):x}+" for sign in model_type
    )
    if len(written) > 100:
        import hashlib

        digest = hashlib.sha256(model_type.encode(errors="surrogatepass")).hexdigest()[:16]
        written = f"{written[:80]}+{digest}"
    return f"{'+' * (written in ('index', ''))}{written}.md"


def is_ours(text: str) -> bool:
    """Whether a file is such a page, so that it may be written anew."""
    return text.startswith(f"{MARK}\n")


def _is(page: ModelPage) -> list[str]:
    said = [page.architecture, page.role, f"for {' and '.join(page.modality)}" if page.modality else ""]
    facts = {
        "what it is": ", ".join(item for item in said if item),
        "category": ", ".join(page.categories or (page.category,)),
        "priority": page.priority + (f", phase {page.phase}" if page.phase is not None else ""),
        "used": {"both": "alone and inside other models", "sub-model": "inside other models"}.get(
            page.standing, "alone" if page.standing else ""
        ),
        "default checkpoint": page.checkpoint,
        "where it lives": page.base.module if page.base else "",
        "configuration": page.base.config_class.replace(":", ".") if page.base else "",
        "transformers": page.transformers_version,
    }
    return [f"- {name}: {escape(text)}" for name, text in facts.items() if text]


def _summary(page: ModelPage) -> list[list[str]]:
    return [
        [escape(name), _folded(cell), f"{EVIDENCE_SYMBOLS.get(cell.evidence, '')} {cell.evidence}".strip()]
        for name, cell in page.summary.items()
    ]


def _folded(cell: Cell | None) -> str:
    if cell is None:
        return UNTRIED
    if not cell.applicable:
        return f"{SYMBOLS.get(cell.status, '')} {cell.status}".strip()
    return f"{cell.verified}/{cell.applicable} {SYMBOLS.get(cell.status, '')} {cell.status}"


def _classes(page: ModelPage) -> list[list[str]]:
    return [
        [f"{_code(item.name)}{' (base)' * item.is_base}", escape(", ".join(item.tasks)),
         escape(", ".join(item.mappings)) or "none", escape(item.role)]
        for item in page.classes
    ]  # fmt: skip


def _tiny(page: ModelPage) -> list[str]:
    if not page.made:
        return []
    first = next((item for item in page.made if item.config is not None), page.made[0])
    lines = ["## A tiny model and its inputs", "", f"{_code(first.class_name)}{_size(first)}, as it was tested."]
    lines += ["", *_fence("python", model_code.building(first)), "", WEIGHTS]
    rows = [[_code(given.name), _code(given.stated) if given.stated else "not stated"] for given in first.inputs]
    lines += ["", *_rows(("input", "dtype and shape"), rows)]
    outputs = [[_code(path), _code(str(shape))] for path, shape in list(first.outputs.items())[:SHOWN]]
    if outputs:
        lines += ["", *_rows(("output", "shape"), outputs), *_more(len(first.outputs) - SHOWN, "outputs")]
    return lines


def _size(made: Made) -> str:
    return f" with {made.parameters:,} parameters" if made.parameters else ""


def _platforms(page: ModelPage) -> list[str]:
    """Of each platform the code of one class: the base class, or the first that ran there."""
    first: dict[str, Worked] = {}
    for item in page.worked:
        first.setdefault(item.platform, item)
    if not first:
        return []
    lines = ["## How to run it", "", "`model` and `inputs` are those of above, or any others of their kind."]
    for item in sorted(first.values(), key=lambda item: item.platform):
        right = "the numbers were right" if item.verified else "it ran; that its numbers are right is not shown"
        options = [f"{key} {value}" for key, value in sorted(item.options.items())]
        told = "; ".join(filter(None, [item.device, item.evidence, item.dtype, *options]))
        lines += ["", f"### {escape(item.title)}", "", f"{_code(item.class_name)}: {right} ({escape(told)})."]
        for language, text in item.blocks:
            lines += ["", *_fence(language, text)]
    return lines


def _results(page: ModelPage, class_name: str) -> list[str]:
    rows = [
        [escape(item.platform), escape(_asked(item)), f"{SYMBOLS.get(item.status, '')} {item.status}",
         f"{EVIDENCE_SYMBOLS.get(item.evidence, '')} {item.evidence}", escape(item.stage),
         "" if item.worst_relative is None else f"{item.worst_relative:.1e}", f"{item.wall_s:.2f} s",
         item.finished_at[:10], escape(item.message)]
        for item in page.endings if item.class_name == class_name
    ]  # fmt: skip
    heads = ("platform", "check", "status", "evidence", "stage", "worst relative error", "took", "when", "message")
    return _table(f"Results of {class_name}", heads, rows)


def _asked(item: Ending) -> str:
    more = [item.dtype] if item.dtype != item.default_dtype else []
    return " ".join([item.check, *more, *(f"{name}={value}" for name, value in sorted(item.options.items()))])


def _numbers(page: ModelPage) -> list[str]:
    """Sizes, errors and, where it was asked, speed."""
    sizes = [[_code(item.class_name), f"{item.parameters:,}"] for item in page.made if item.parameters]
    lines = _table("Numbers", ("class", "parameters of the tiny model"), sizes)
    worst: dict[str, Ending] = {}
    for item in page.endings:
        if item.worst_relative is not None:
            before = worst.get(item.platform)
            if before is None or item.worst_relative > (before.worst_relative or 0.0):
                worst[item.platform] = item
    rows = [
        [escape(name), f"{item.worst_relative:.1e}", _code(item.class_name), escape(_asked(item)), item.status]
        for name, item in sorted(worst.items())
    ]
    if rows:
        heads = ("platform", "largest relative error", "class", "check", "status")
        lines += [*([] if lines else ["## Numbers"]), "", *_rows(heads, rows)]
    timed = [[_code(item.class_name), escape(item.platform), *_speed(item)] for item in page.timed]
    if timed:
        spoken = ("class", "platform", "latency", "first run", "compile", "peak memory of the process", "of the device")
        lines += [
            *([] if lines else ["## Numbers"]),
            "",
            *_rows(spoken, timed),
            "",
            "Latency: the median of steady runs of the tiny model, ± its spread.",
        ]
    return lines


def _speed(item: Ending) -> list[str]:
    def shown(name: str, unit: str, scale: float = 1.0) -> str:
        value = item.metrics.get(name)
        return "" if value is None else f"{value * scale:.3g} {unit}"

    spread = shown("steady_spread_s", "ms", 1e3)
    return [shown("steady_s", "ms", 1e3) + (f" ± {spread}" if spread else ""), shown("first_run_s", "ms", 1e3),
            shown("compile_s", "ms", 1e3), shown("peak_host_mb", "MB"), shown("peak_device_mb", "MB")]  # fmt: skip


def _limits(page: ModelPage, kind: Kind) -> list[str]:
    found = [item for item in page.limits if item.kind is kind]
    if not found:
        return []
    lines = [f"## {KINDS[kind]}"]
    for item in found:
        lines += ["", *_limit(item)]
    return lines


def _limit(item: Limit) -> Iterator[str]:
    status = f"{SYMBOLS.get(item.status, '')} {escape(item.status)}".strip()
    at = f" at {escape(item.stage)}" if item.stage else ""
    where = _some([escape(text) for text in item.where])
    classes = _some([_code(name) for name in item.classes])
    yield f"- {f'{status}{at}: ' if status else ''}{', '.join(filter(None, (where, classes)))}"
    kind = f"{escape(item.error_class)}: " if item.error_class not in ("", item.status) else ""
    if item.message:
        yield f"  - {kind}{escape(item.message)}"
    if item.operators:
        yield f"  - operators: {_some([_code(name) for name in item.operators])}"
    if item.blame:
        yield f"  - blame: {escape(item.blame)}{f' ({escape(item.blame_package)})' if item.blame_package else ''}"
    if item.outlook:
        yield f"  - outlook: {escape(item.outlook)}"
    if item.command:
        yield f"  - repeat it: {_code(item.command)}"


def _history(page: ModelPage) -> list[str]:
    """What changed, newest first; what never did in a line."""
    if not page.history:
        return []
    changed = [turn for turn in page.history if turn.before]
    steady = len({turn.case for turn in page.history}) - len({turn.case for turn in changed})
    lines = ["## History", ""]
    if steady:
        since = min(turn.finished_at for turn in page.history)[:10]
        lines.append(f"{steady} case{'s' * (steady != 1)} ended alike every time, the first on {since}.")
    rows = [_turn(turn) for turn in changed[:TURNS]]
    if rows:
        lines += ["", *_rows(("when", "case", "before", "then", "at", "transformers", "run"), rows)]
        lines += _more(len(changed) - TURNS, "turns")
    return lines


def _turn(turn: Turn) -> list[str]:
    names = [f"{SYMBOLS.get(status, '')} {escape(status)}" for status in (turn.before, turn.status)]
    return [turn.finished_at[:16].replace("T", " "), _code(turn.case), *names, escape(turn.stage),
            escape(turn.transformers_version), escape(turn.run)]  # fmt: skip


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"## {escape(title)}", "", *_rows(heads, rows)] if rows else []


def _rows(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are ready."""
    return [f"| {' | '.join(map(escape, heads))} |", "|" + " --- |" * len(heads),
            *(f"| {' | '.join(cells)} |" for cells in rows)]  # fmt: skip


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more


def _more(count: int, what: str) -> list[str]:
    return ["", f"and {count} more {what}"] if count > 0 else []


def _code(text: str) -> str:
    """A name in the type of code where nothing in it could end that, else as escaped text."""
    return f"`{text}`" if re.fullmatch(r"[\w ./:+,()=@'-]{1,300}", text, re.ASCII) else escape(text)


def _fence(language: str, text: str) -> list[str]:
    """Code in a fence that is longer than any in it."""
    body = plain(text, MOST_CODE).rstrip("\n")
    longest = max((len(found) for found in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language if language.isalpha() else ''}", *body.split("\n"), fence]

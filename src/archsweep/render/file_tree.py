"""A folder of generated files against what they should be: new, changed or alike, and what is not ours to touch."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from archsweep.errors import SettingsError
from archsweep.render.pytest_files import MARK, Made, is_ours


class Kind(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    SAME = "same"


@dataclass(frozen=True, kw_only=True)
class Change:
    """What becomes of one file."""

    path: Path
    kind: Kind
    text: str
    before: str = ""

    def diff(self) -> str:
        """A unified diff, as patch takes it."""
        old = "/dev/null" if self.kind is Kind.NEW else str(self.path)
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True), self.text.splitlines(keepends=True), old, str(self.path)
        )
        return "".join(lines)


def changes(
    folder: Path, files: Iterable[Made], *, mine: Callable[[str], bool] = is_ours, flag: str = "--output-dir"
) -> list[Change]:
    """What writing these files into `folder`, which `flag` names, would do. Raises SettingsError for a place outside
    it, and for a file that archsweep did not make, as `mine` tells by its text."""
    found, foreign = [], []
    for made in files:
        path = folder / made.name
        if path.resolve().parent != folder.resolve():
            raise SettingsError(
                f"{path} lies outside {folder}: it is {path.resolve()}", "Remove the link, or take another folder."
            )
        if by_hand(path, mine):
            foreign.append(path)
            continue
        before = _text(path)
        kind = Kind.NEW if before is None else Kind.SAME if before == made.text else Kind.CHANGED
        found.append(Change(path=path, kind=kind, text=made.text, before=before or ""))
    if foreign:
        named = ", ".join(map(str, foreign[:5])) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
        raise SettingsError(
            f"not made by archsweep, and not overwritten: {named}",
            f"Rename what is written by hand, or take another {flag}. (Ours say {MARK!r} at their top.)",
        )
    return found


def left_over(folder: Path, names: Iterable[str]) -> list[Path]:
    """Files in `folder` that archsweep made, and that are none of these names: no architecture stands behind them."""
    known = set(names)
    return [path for path in sorted(folder.glob("test_*.py")) if path.name not in known and is_ours(_text(path) or "")]


def by_hand(path: Path, mine: Callable[[str], bool] = is_ours) -> bool:
    """Whether a file is there that archsweep did not make."""
    text = _text(path)
    return text is not None and not mine(text)


def _text(path: Path) -> str | None:
    """What is in a file; None where there is none, and nothing of what is no text, or cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError):
        return ""


def write(folder: Path, planned: Sequence[Change], flag: str = "--output-dir") -> None:
    """Write what is new or changed, each file whole or not at all. Raises SettingsError if the folder takes no file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for change in planned:
            if change.kind is not Kind.SAME:
                _put(change.path, change.text)
    except OSError as error:
        raise SettingsError(
            f"{error.filename or folder} cannot be written: {error.strerror}", f"Another folder: {flag} FOLDER"
        ) from error


def _put(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.part")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)

"""A folder of generated files against what they should be: new, changed or alike, and what is not ours to touch."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
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


def changes(folder: Path, files: Iterable[Made]) -> list[Change]:
    """What writing these files into `folder` would do. Raises SettingsError for a place outside it, and for a file that
    archsweep did not make."""
    found, foreign = [], []
    for made in files:
        path = folder / made.name
        if path.resolve().parent != folder.resolve():
            raise SettingsError(
                f"{path} lies outside {folder}: it is {path.resolve()}", "Remove the link, or take another folder."
            )
        if by_hand(path):
            foreign.append(path)
            continue
        before = _text(path)
        kind = Kind.NEW if before is None else Kind.SAME if before == made.text else Kind.CHANGED
        found.append(Change(path=path, kind=kind, text=made.text, before=before or ""))
    if foreign:
        named = ", ".join(map(str, foreign[:5])) + (f" and {len(foreign) - 5} more" if len(foreign) > 5 else "")
        raise SettingsError(
            f"not made by archsweep, and not overwritten: {named}",
            f"Rename what is written by hand, or take another --output-dir. (Ours say {MARK!r} at their top.)",
        )
    return found


def by_hand(path: Path) -> bool:
    """Whether a file is there that archsweep did not make."""
    text = _text(path)
    return text is not None and not is_ours(text)


def _text(path: Path) -> str | None:
    """What is in a file; None where there is none, and nothing of what is no text, or cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError):
        return ""


def write(folder: Path, planned: Sequence[Change]) -> None:
    """Write what is new or changed, each file whole or not at all. Raises SettingsError if the folder takes no file."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for change in planned:
            if change.kind is not Kind.SAME:
                partial = change.path.with_name(f".{change.path.name}.part")
                partial.write_text(change.text, encoding="utf-8", newline="\n")
                partial.replace(change.path)
    except OSError as error:
        raise SettingsError(
            f"{error.filename or folder} cannot be written: {error.strerror}", "Another folder: --output-dir FOLDER"
        ) from error

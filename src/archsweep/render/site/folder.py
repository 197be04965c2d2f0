"""Writes a site into a folder: whole or not at all, and over nothing that is not an earlier site of ours."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from archsweep.errors import SettingsError
from archsweep.render.site.pages import Site

LIST = "archsweep-site.txt"  # names every file of the site: how an earlier one is known
HEAD = "# Written by archsweep dashboard, which may replace all of these files.\n"


def check(folder: Path) -> None:
    """Raises SettingsError where the folder cannot become a site, or holds a file that is none of an earlier one."""
    parent = folder.absolute().parent
    if not parent.is_dir():
        raise SettingsError(f"cannot make {folder}: there is no folder {parent}", "Make it, or take another --output.")
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise SettingsError(f"{folder} is not a folder", "Take another one: --output FOLDER")
    foreign = _foreign(folder) if folder.exists() else []
    if foreign:
        more = f" and {len(foreign) - 5} more" if len(foreign) > 5 else ""
        raise SettingsError(
            f"{folder} holds what is none of an earlier dashboard: {', '.join(foreign[:5])}{more}",
            "Nothing was touched. Take an empty folder: --output FOLDER",
        )


def _foreign(folder: Path) -> list[str]:
    """Files of a folder that no earlier site lists, by name."""
    known = {LIST, *_listed(folder)}
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(name for path in found if (name := path.relative_to(folder).as_posix()) not in known)


def _listed(folder: Path) -> Sequence[str]:
    try:
        text = (folder / LIST).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ()
    return text.removeprefix(HEAD).splitlines() if text.startswith(HEAD) else ()


def write(site: Site, folder: Path, told: Callable[[int, int], None]) -> tuple[int, int]:
    """Writes all pages beside the folder and then puts them in its place; (files, bytes). Raises SettingsError."""
    check(folder)
    try:
        fresh = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
    except OSError as error:
        raise SettingsError(f"{folder} cannot be written: {error.strerror}", "Another one: --output FOLDER") from error
    try:
        size = _fill(site, fresh, told)
        _swap(fresh, folder)
    except OSError as error:
        raise SettingsError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return len(site.paths()), size


def _fill(site: Site, folder: Path, told: Callable[[int, int], None]) -> int:
    paths, size = site.paths(), 0
    folder.chmod(0o755)
    for number, path in enumerate(paths, start=1):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        size += target.write_bytes(site.content(path))
        told(number, len(paths))
    (folder / LIST).write_text(HEAD + "".join(f"{path}\n" for path in paths), encoding="utf-8", newline="\n")
    return size


def _swap(fresh: Path, folder: Path) -> None:
    if not folder.exists():
        fresh.replace(folder)
        return
    old = fresh.with_name(f"{fresh.name}.old")
    folder.replace(old)
    try:
        fresh.replace(folder)
    except OSError:
        with contextlib.suppress(OSError):
            old.replace(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)

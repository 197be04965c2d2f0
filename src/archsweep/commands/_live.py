"""What a database and the journals of running sweeps know together, looked at again and again while it grows.

The sweep that writes is never held up: the database is opened for a moment and read-only, and where it is locked, or in
the middle of being made, the last look stands. A journal is read on from where the last look ended.
"""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from archsweep.analysis.snapshot import Progress, Row, Snapshot
from archsweep.contract import Result, Subject
from archsweep.encoding import decode
from archsweep.errors import DatabaseError
from archsweep.render.site.pages import Site

EVERY_S = 1.0  # at most so often is anything looked at


@dataclass
class Tail:
    """A journal as far as it was read."""

    path: Path
    offset: int = 0
    run: Mapping[str, Any] = field(default_factory=dict)
    subjects: dict[str, Subject] = field(default_factory=dict)
    environments: dict[str, Row] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)
    ended: bool = False

    def follow(self) -> None:
        """Reads the whole lines that came since; a torn last one stays for the next time."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                text = file.read()
        except OSError:  # it has gone into the database
            return
        whole = text[: text.rfind(b"\n") + 1]
        self.offset += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line))

    def _take(self, entry: dict[str, Any]) -> None:
        kind = entry.pop("kind")
        if kind == "run":
            self.run = entry
        elif kind == "subject":
            subject = decode(Subject, entry)
            self.subjects[subject.id] = subject
        elif kind == "environment":
            self.environments[entry["id"]] = entry
        elif kind == "result":
            result = decode(Result, entry)
            self.results.setdefault(result.case.id, result)
        elif kind == "end":
            self.ended = True

    @property
    def progress(self) -> Progress:
        counts = Counter(str(result.status) for result in self.results.values())
        return Progress(
            run=self.run["run"], started_at=self.run["started_at"], ended=len(self.results),
            planned=self.run["settings"].get("planned"), by_status=dict(sorted(counts.items())),
        )  # fmt: skip


class Watcher:
    """The site of the moment. Safe to be asked from several threads."""

    def __init__(self, database: Path, universe: Any) -> None:
        self._database, self._universe = database, universe
        self._lock = threading.Lock()
        self._tails: dict[Path, Tail] = {}
        self._seen: Any = None
        self._looked = 0.0
        self._site = self._made()

    def site(self) -> Site:
        """As it is now; while somebody else is looking, as it was at the last look."""
        if time.monotonic() - self._looked > EVERY_S and self._lock.acquire(blocking=False):
            try:
                if self._state() != self._seen:
                    self._site = self._made()
            except DatabaseError:  # locked by the writer for longer than a reader waits: the next look comes soon
                pass
            finally:
                self._looked = time.monotonic()
                self._lock.release()
        return self._site

    def _state(self) -> Any:
        """What differs once anything was written."""
        found = []
        for path in (self._database, *self._journals()):
            try:
                about = path.stat()
            except FileNotFoundError:
                continue
            found.append((str(path), about.st_mtime_ns, about.st_size))
        return found

    def _journals(self) -> list[Path]:
        from archsweep.commands._database import journals

        return sorted(journals(self._database).glob("*.jsonl"))

    def _made(self) -> Site:
        from archsweep.commands._snapshot import snapshot

        seen = self._state()
        there = self._journals()
        self._tails = {path: self._tails.get(path) or Tail(path) for path in there}
        for tail in self._tails.values():
            tail.follow()
        running = [tail for tail in self._tails.values() if tail.run and not tail.ended]
        known = overlaid(snapshot(self._database, self._universe, live=True), running)
        self._seen = seen
        return Site(known)


def overlaid(known: Snapshot, tails: Sequence[Tail]) -> Snapshot:
    """The snapshot with the results of journals that the database does not have yet."""
    rows = {row["case"]: row for row in known.cells}
    classes = {(row["model_type"], row["class_name"]): row for row in known.subjects}
    notes = {(note["platform"], note["fingerprint"]): note for note in known.notes}
    environments = dict(known.environments)
    for tail in tails:
        environments |= {name: value for name, value in tail.environments.items() if name not in environments}
        for case, result in tail.results.items():
            row = _row(result, tail, classes)
            if _speaks(row, rows.get(case)):
                rows[case] = row
                key = (row["platform"], row["fingerprint"])
                if key not in notes or notes[key]["finished_at"] < row["finished_at"]:
                    notes[key] = {**_note(row), "cases": notes.get(key, {}).get("cases", 0) + 1}
    ordered = sorted(notes.values(), key=lambda note: (note["tried"], note["finished_at"]), reverse=True)
    return dataclasses.replace(
        known, cells=[rows[case] for case in sorted(rows)], notes=ordered, environments=environments,
        progress=tuple(tail.progress for tail in tails),
    )  # fmt: skip


def _speaks(row: Row, before: Row | None) -> bool:
    """Whether a result takes the place of the one that stands: as `append` decides it."""
    if before is None:
        return True
    tried = [item["status"] not in ("unavailable", "broken") for item in (row, before)]
    return (tried[0], row["finished_at"], row["run"]) > (tried[1], before["finished_at"], before["run"])


def _row(result: Result, tail: Tail, classes: Mapping[tuple[str, str], Row]) -> dict[str, Any]:
    """A result as a row of `cells`."""
    case = result.case
    model_type, _, class_name = case.subject.rpartition("/")
    subject = tail.subjects.get(case.subject)
    listed = classes.get((model_type, class_name), {})
    names = ("category", "architecture", "priority")
    about = {name: getattr(subject, name) if subject else listed.get(name) for name in names}
    versions = tail.environments.get(result.fingerprint, {}).get("versions", {})
    return {
        "case": case.id, "model_type": model_type, "class_name": class_name, "platform": case.platform,
        "check": case.check, "dtype": case.dtype, "default_dtype": case.default_dtype, "weights": case.weights,
        "options": json.dumps(dict(case.options), sort_keys=True, separators=(",", ":")), "status": str(result.status),
        "outlook": None if result.outlook is None else str(result.outlook), "stage": str(result.stage),
        "evidence": str(result.evidence), "error_class": result.failure.error_class if result.failure else None,
        "operators": list(result.failure.operators) if result.failure else [],
        "blame": None if result.blame is None else str(result.blame), "blame_package": result.blame_package,
        "message": result.message, "wall_s": result.wall_s, "device": result.device, "fingerprint": result.fingerprint,
        "transformers_version": versions.get("transformers", ""), "run": result.run, "finished_at": result.finished_at,
        "is_base": bool(subject.is_base if subject else listed.get("is_base")),
        **{name: None if value is None else str(value) for name, value in about.items()},
        "category": str(about["category"] or "other"),
    }  # fmt: skip


def _note(row: Row) -> dict[str, Any]:
    return {
        "platform": row["platform"], "fingerprint": row["fingerprint"], "finished_at": row["finished_at"],
        "tried": row["status"] not in ("unavailable", "broken"), "transformers_version": row["transformers_version"],
        "device": row["device"],
    }  # fmt: skip

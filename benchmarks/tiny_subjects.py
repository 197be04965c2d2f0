"""The subjects of the benchmarks, each measured in a forked process of its own. Knows no measure."""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import multiprocessing
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from archsweep.contract import Subject


@dataclass(frozen=True, kw_only=True)
class Tiny:
    """A tiny model that can be built again and again, and its inputs."""

    id: str
    make_model: Callable[[], torch.nn.Module]
    make_inputs: Callable[[], Mapping[str, torch.Tensor]]


def options(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--models", default="", help="model types, by comma; without: all base types")
    parser.add_argument("--sample", type=int, default=0, help="every so many-th, so that N remain")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--limit-s", type=float, default=300.0, help="for one subject")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    parser.add_argument("--worst", type=int, default=20, help="how many of the weakest to list")
    return parser


def chosen(models: str, sample: int, cache: Path) -> list[Subject]:
    """Base subjects of the catalog, narrowed."""
    from archsweep.archs import catalog, importing

    importing.warm()
    subjects = [subject for subject in catalog.load(cache=cache).subjects if subject.is_base]
    names = {name for name in models.split(",") if name}
    if names:
        subjects = [subject for subject in subjects if subject.model_type in names]
    if 0 < sample < len(subjects):
        subjects = [subjects[index * len(subjects) // sample] for index in range(sample)]
    return subjects


def tiny(subject: Subject) -> Tiny:
    """The subject's recipe, found now, with the first seed on which the CPU agrees with itself, as in a sweep."""
    from archsweep.archs import recipe, reference
    from archsweep.encoding import encode
    from archsweep.errors import ReferenceFault

    found = recipe.find(subject, announce=lambda _: None)
    for seed in (1, 2):
        try:
            inputs, build = recipe.make_inputs(subject, found), functools.partial(recipe.make_model, subject, found)
            reference.obtain(subject, encode(found), build, inputs)
            break
        except ReferenceFault:
            found = recipe.again(found, seed)
    return Tiny(
        id=subject.id,
        make_model=lambda: recipe.make_model(subject, found),
        make_inputs=lambda: recipe.make_inputs(subject, found),
    )


@contextlib.contextmanager
def default_weights() -> Iterator[None]:
    """Within, models keep the weights that transformers draws: the baseline of every claim about lively ones."""
    from archsweep.archs import lively

    original = lively.enliven
    lively.enliven = lambda model, key, seed=0: None
    try:
        yield
    finally:
        lively.enliven = original


def measure(
    subjects: list[Subject], task: Callable[[Subject], dict[str, Any]], jobs: int, limit_s: float
) -> dict[str, dict[str, Any]]:
    """`task` of each subject in a forked process; one that dies or takes too long is an entry with `error`."""
    import torch
    import transformers
    from transformers import modeling_utils  # noqa: F401 (every forked process would import it again)

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    fork = multiprocessing.get_context("fork")
    results: dict[str, dict[str, Any]] = {}
    waiting = list(reversed(subjects))
    running: list[tuple[Subject, Any, Path, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        while waiting or running:
            while waiting and len(running) < jobs:
                subject = waiting.pop()
                target = Path(folder) / f"{len(waiting)}.json"
                process = fork.Process(target=_child, args=(subject, task, target), daemon=True)
                process.start()
                running.append((subject, process, target, time.monotonic() + limit_s))
            time.sleep(0.01)
            for entry in list(running):
                subject, process, target, deadline = entry
                if process.is_alive() and time.monotonic() < deadline:
                    continue
                if process.is_alive():
                    process.kill()
                process.join()
                running.remove(entry)
                ended = {"error": f"ended with {process.exitcode}, or took longer than {limit_s:g} s"}
                results[subject.id] = json.loads(target.read_text()) if target.exists() else ended
                print(f"\r{len(results)}/{len(subjects)} {subject.id:60.60s}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return results


def _child(subject: Subject, task: Callable[[Subject], dict[str, Any]], target: Path) -> None:
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    try:
        result = task(subject)
    except Exception as error:  # noqa: BLE001 (a benchmark goes on)
        result = {"error": f"{type(error).__name__}: {error}"[:500], "traceback": traceback.format_exc()[-2000:]}
    draft = target.with_suffix(".draft")
    draft.write_text(json.dumps(result))
    draft.replace(target)


def quantile(values: list[float], share: float) -> float:
    """Nearest rank; of nothing it is 0."""
    ranked = sorted(values)
    return ranked[min(int(share * len(ranked)), len(ranked) - 1)] if ranked else 0.0

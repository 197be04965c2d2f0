"""Reads the whole library in this process, on several cores if asked, and makes the catalog of it."""

from __future__ import annotations

import gc
import os
import pickle
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from archsweep.archs import discovery, importing, modality, reading, taxonomy, topology
from archsweep.archs.catalog import Catalog, Fault
from archsweep.archs.checkpoints import checkpoint_of
from archsweep.archs.discovery import Found
from archsweep.archs.facts import LibraryFacts, TypeFacts
from archsweep.archs.roadmap import most_wanted_first, phases, priority_of
from archsweep.archs.tasks import tasks_of
from archsweep.archs.taxonomy import Place
from archsweep.contract import Subject


def read_library(imports: Sequence[str] = (), *, trust_remote_code: bool = False, workers: int = 1) -> LibraryFacts:
    """The facts of every type. More than one worker forks: this process then stays without the models' modules."""
    with _quiet():
        importing.join(imports, trust_remote_code=trust_remote_code)
        import transformers

        found = discovery.find_types()
        types = _read_forked(found, workers) if workers > 1 and hasattr(os, "fork") else _read_all(found)
        tasks, popular = discovery.pipeline_tasks()
    return LibraryFacts(version=transformers.__version__, types=tuple(types), tasks=tasks, popular=popular)


def make_catalog(library: LibraryFacts) -> Catalog:
    """Facts in, catalog out. Pure."""
    placed = taxonomy.places(library)
    types = {facts.model_type: facts for facts in library.types}
    phase = phases(library, placed)
    subjects: list[Subject] = []
    faults: list[Fault] = []
    for name in most_wanted_first(library, placed, phase):
        place = placed[name]
        if place.facts.fault:
            faults.append(Fault(model_type=name, class_name="", reason=place.facts.fault))
        for item in place.facts.classes:
            if item.fault:
                faults.append(Fault(model_type=name, class_name=item.name, reason=item.fault))
        subjects.extend(_subjects(place, types, phase[name], library))
    return Catalog(transformers_version=library.version, subjects=tuple(subjects), faults=tuple(faults))


def _subjects(place: Place, types: dict[str, TypeFacts], phase: int, library: LibraryFacts) -> Iterator[Subject]:
    facts = place.facts
    for item in facts.classes:
        inputs = modality.of_class(item, facts, types, place.modality)
        kind = topology.of_class(item, facts, place.kind, inputs)
        order = list(type(next(iter(inputs)))) if inputs else []
        yield Subject(
            model_type=facts.model_type,
            class_name=item.name,
            class_module=item.module,
            config_class=facts.config,
            is_base=item.is_base,
            mappings=item.mappings,
            family=facts.family,
            architecture=kind.architecture,
            role=kind.role,
            modality=tuple(sorted(inputs, key=order.index)),
            category=place.category,
            tasks=tasks_of(item, place, inputs, library),
            priority=priority_of(place.category),
            phase=phase,
            standing=place.standing,
            checkpoint=checkpoint_of(facts.model_type, facts.checkpoint),
        )


def _read_all(found: Sequence[Found]) -> list[TypeFacts]:
    return [reading.read(item) for item in found]


def _read_forked(found: Sequence[Found], workers: int) -> list[TypeFacts]:
    """Folders dealt out to forked children; a child that dies leaves its share to this process."""
    folders = sorted({item.folder for item in found})
    share = {folder: number % workers for number, folder in enumerate(folders)}
    parts = [[item for item in found if share[item.folder] == number] for number in range(workers)]
    running = [_start(part) for part in parts[1:]]
    facts = _read_all(parts[0])  # the first share is this process's own
    for (pid, pipe), part in zip(running, parts[1:], strict=True):
        with pipe:
            content = pipe.read()
        _, code = os.waitpid(pid, 0)
        facts += pickle.loads(content) if code == 0 else _read_all(part)
    place = {item.model_type: number for number, item in enumerate(found)}
    return sorted(facts, key=lambda item: place[item.model_type])


def _start(part: Sequence[Found]) -> tuple[int, BinaryIO]:
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads that torch merely holds ready
        pid = os.fork()
    if pid:
        os.close(writer)
        return pid, os.fdopen(reader, "rb")
    code = 1
    try:
        os.close(reader)
        with os.fdopen(writer, "wb") as pipe:
            pickle.dump(_read_all(part), pipe)
        code = 0
    finally:
        os._exit(code)


@contextmanager
def _quiet() -> Iterator[None]:
    """No warnings about other people's defaults, and no garbage collection while modules pile up."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importing.warm()
            from transformers.utils import logging

            verbosity = logging.get_verbosity()
            logging.set_verbosity(logging.CRITICAL)
            try:
                yield
            finally:
                logging.set_verbosity(verbosity)
    finally:
        if collecting:
            gc.enable()

"""Runs the cases of one lot, in a process of its own, and turns whatever is raised there into a result.

The one `except Exception` of the program is here. Speaks to the parent only through files in the lot's folder: the
stage in hand, one result a case, captured output.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from archsweep import errors, registry
from archsweep.contract import TINY, VERIFYING, Capabilities, Case, Failure, Lot, Result, Stage, Status, Verdict
from archsweep.encoding import decode, encode
from archsweep.run import endings, handing, reuse, sentinels
from archsweep.run.bench import LotBench
from archsweep.run.sources import ArchitectureSource, CheckpointSource
from archsweep.settings import DEFAULT_PLATFORM

LOT_FILE, STAGE_FILE = "lot.json", "stage"
SEED = 0
UNREADABLE = "right numbers, but the platform cannot say where it computed them"


@dataclass(frozen=True)
class Announced:
    """How far the case in hand has got."""

    index: int = 0  # number of the case
    stage: Stage = Stage.BUILD
    began: float = 0.0  # monotonic time at which the case began
    reached: bool = False  # whether the platform has been asked for anything yet
    graph: bool = False  # whether it was given an exported graph that had passed its control run, as who gave it said


class Announcer:
    """Writes what it is told into a small file that the parent reads."""

    def __init__(self, path: Path, home: bool) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o644)
        self._home = home  # the platform on which the search for a recipe runs its candidates
        self.now = Announced()

    def begin(self, index: int) -> None:
        self.now = Announced(index=index, began=time.monotonic())
        self(Stage.BUILD)

    def __call__(self, stage: Stage, graph: bool = False) -> None:
        reached = self.now.reached or stage in (Stage.EXPORT, Stage.COMPILE) or (self._home and stage is Stage.RUN)
        graph = graph or (self.now.graph and stage is not Stage.EXPORT)
        self.now = dataclasses.replace(self.now, stage=stage, reached=reached, graph=graph)
        line = f"{self.now.index} {stage} {self.now.began:.6f} {int(reached)} {int(graph)}"
        os.pwrite(self._file, line.ljust(63).encode() + b"\n", 0)


def read_stage(folder: Path) -> Announced | None:
    """What the worker announced last; None if it has not begun."""
    try:
        index, stage, began, reached, graph = (folder / STAGE_FILE).read_text().split()
        return Announced(int(index), Stage(stage), float(began), reached == "1", graph == "1")
    except (OSError, ValueError):
        return None


def read_results(folder: Path) -> dict[int, Result]:
    """The results that the worker has finished, by number of the case."""
    found = {}
    for path in folder.glob("result-*.json"):
        found[int(path.stem.partition("-")[2])] = decode(Result, json.loads(path.read_text()))
    return found


def work(folder: Path) -> bool:
    """Run the lot described in `folder`; whether this process is fit for another case.

    Standard output and error are captured already. Where it is not fit, the rest of the lot is left to a fresh one.
    """
    lot = decode(Lot, json.loads((folder / LOT_FILE).read_text()))
    announce = Announcer(folder / STAGE_FILE, lot.platform == DEFAULT_PLATFORM)
    real = lot.cases[0].weights != TINY
    source = sentinels.source(lot) or (CheckpointSource(lot) if real else ArchitectureSource(lot))
    platform = registry.load("platforms", lot.platform)
    bench = LotBench(lot, platform, source, announce)
    common: Result | None = None
    for index, case in enumerate(lot.cases):
        announce.begin(index)
        bench.take(case)
        _restore()
        outcome = _attempt(lot, case, bench, announce, common)
        if not (bench.found or outcome.status is Status.INAPPLICABLE):
            common = common or outcome  # no model, no inputs: that is the ending of every case that applies
        _write(folder / f"result-{index}.json", outcome)
        if _spoiled(outcome, bench.capabilities):
            handing.leave(folder)
            return False
    return True


def _spoiled(outcome: Result, capabilities: Capabilities) -> bool:
    """Whether the device's context may be lost: then every later call on it fails, whoever makes it."""
    on_device = outcome.status is Status.ERROR and outcome.stage in (Stage.COMPILE, Stage.RUN)
    return capabilities.fresh_after_error and on_device


def _attempt(lot: Lot, case: Case, bench: LotBench, announce: Announcer, common: Result | None) -> Result:
    began = time.perf_counter()
    source = {reuse.SOURCE: reuse.source_hash(lot.subject)}
    try:
        check = registry.load("checks", case.check)
        reason = _inapplicable(check, bench)
        if common is not None and reason is None:
            return endings.repeated(common, case)
        verdict = _judge(check, bench, reason)
        told: dict[str, Any] = {"program": dict(facts)} if (facts := bench.facts()) else {}
        doubt = _doubt(verdict, bench, announce.now.graph)
        told |= {"control": doubt} if doubt else {}
        details = {**verdict.details, **_digest(bench), **_made(bench), **source, **told}
        device = next((placement.device for placement in bench.placements()), "")
    except Exception as error:  # noqa: BLE001 (every ending is a result)
        status, stage, failure = endings.classify(error, announce.now.stage)
        spent = time.perf_counter() - began
        return endings.result(
            lot,
            case,
            status,
            stage,
            reached=announce.now.reached,
            graph=announce.now.graph,
            wall_s=spent,
            message=failure.message,
            failure=failure,
            details={**source, **(error.details if isinstance(error, errors.Ending) else {})},
        )
    blamed: Failure | None = None
    if verdict.status not in (Status.PASS, Status.INAPPLICABLE):
        blamed = Failure(error_class=str(verdict.status), message=verdict.message, operators=verdict.operators)
    return endings.result(
        lot, case, verdict.status, announce.now.stage, reached=announce.now.reached,
        graph=announce.now.graph and not doubt, message=verdict.message, wall_s=time.perf_counter() - began,
        failure=blamed, device=device, metrics={**verdict.metrics, **bench.measured()}, details=details,
        outlook=verdict.outlook,
    )  # fmt: skip


def _doubt(verdict: Verdict, bench: LotBench, graph: bool) -> str:
    """Why a backend is not to blame for what fails with a graph that is right in float32: empty if it is.

    Where nobody can say where right numbers were computed, nobody has shown that it was elsewhere. A program may know
    of a control of its own that is wrong as well: its `details` have a `doubt` then. And the model itself may break
    the promise, in any dtype: it is asked on the CPU, in that dtype, by the same check.
    """
    if verdict.status is not Status.FAIL or not graph:
        return ""
    if own := str(verdict.details.get("doubt", "") or bench.facts().get("doubt", "")):
        return own
    if verdict.message == UNREADABLE:
        return "no control: where it was computed is not known"
    control = bench.control()
    if bench.case.dtype not in control.capabilities.dtypes:
        return f"no control: the CPU has no {bench.case.dtype}"
    try:
        found: Verdict = registry.load("checks", bench.case.check).run(control)
    except (errors.Ending, RuntimeError, TypeError, ValueError, LookupError, AttributeError, AssertionError) as error:
        return endings.shorten(f"no control: {type(error).__name__} on the CPU in {bench.case.dtype}: {error}")
    if found.status is Status.PASS:
        return ""
    return endings.shorten(f"on the CPU in {bench.case.dtype} it ends {found.status} too: {found.message}")


def _made(bench: LotBench) -> dict[str, Any]:
    """How model and inputs came about, in short; the whole recipe can be found again at any time."""
    if not bench.found:
        return {}
    short = {key: bench.recipe.get(key) for key in ("candidate", "attempts", "parameters", "fed", "seed")}
    short |= {key: bench.recipe[key] for key in ("processed", "snapshot") if key in bench.recipe}
    hints = bench.recipe.get("hints", {})
    left_out = {
        "dropped": list(hints.get("drop", ())),  # what the class refuses beside its other inputs
        "ignored": list(hints.get("ignored", ())),  # masks that it takes and ignores
    }
    if not short["candidate"]:
        return {}
    from archsweep.archs.specification import described

    called = {name: described(value) for name, value in bench.inputs.items()}
    return {"recipe": {**short, "inputs": sorted(called), "called": called, **left_out, **_stated(bench)}}


def _stated(bench: LotBench) -> dict[str, Any]:
    """The tiny configuration and what the inputs hold: once a subject and platform, with the first of its checks."""
    if "config" not in bench.recipe or bench.case.check != VERIFYING[0]:
        return {}
    from archsweep.archs.recipe import Recipe
    from archsweep.archs.statement import stated

    return stated(bench.subject, decode(Recipe, bench.recipe), bench.inputs)


def _judge(check: ModuleType, bench: LotBench, reason: str | None) -> Verdict:
    if reason:
        return Verdict(status=Status.INAPPLICABLE, message=reason)
    if bench.predicted:
        return _predicted(bench)
    verdict: Verdict = check.run(bench)
    return _earned(verdict, bench) if verdict.status is Status.PASS else verdict


def _predicted(bench: LotBench) -> Verdict:
    """What a platform that is not here would probably do; whatever it says, it was not executed."""
    verdict = bench.predict()
    bench.announce(Stage.COMPILE)  # as far as a prediction gets
    if verdict.status is not Status.UNEXECUTED or verdict.outlook is None:
        return Verdict(status=Status.BROKEN, message=f"a prediction ended {verdict.status}: it can only be unexecuted")
    return verdict


def _inapplicable(check: ModuleType, bench: LotBench) -> str | None:
    for need in check.needs:
        if not getattr(bench.capabilities, need):
            return f"the platform does not offer what the check needs: {need}"
    if bench.case.dtype not in bench.capabilities.dtypes:
        return f"the platform has no {bench.case.dtype}"
    reason: str | None = check.applies(bench.subject)
    if reason is None and "module" in check.needs and not bench.forwards():
        return f"{bench.subject.class_name} has no forward pass: it runs its parts from methods of its own"
    return reason


def _earned(verdict: Verdict, bench: LotBench) -> Verdict:
    """Green is earned: a pass stands only if the program itself says that all its work was on the claimed device."""
    placements = bench.placements()
    if not placements:
        return Verdict(status=Status.BROKEN, message="the check passed although it ran no program on the platform")
    for placement in placements:
        if not placement.readable:
            return Verdict(status=Status.FAIL, message=UNREADABLE, metrics=verdict.metrics, details=verdict.details)
        if placement.elsewhere:
            message = f"right numbers, but not all computed on {placement.device}: {', '.join(placement.elsewhere)}"
            return Verdict(
                status=Status.FAIL, message=message, metrics=verdict.metrics, details=verdict.details,
                operators=placement.elsewhere,
            )  # fmt: skip
    return verdict


def _digest(bench: LotBench) -> dict[str, Any]:
    from archsweep.archs.outputs import digest

    outputs = bench.outputs()
    return {} if outputs is None else {"digest": digest(outputs)}


def _restore() -> None:
    """What one case may have changed in the process, and the next one relies on."""
    import numpy
    import torch

    torch.manual_seed(SEED)
    random.seed(SEED)
    numpy.random.seed(SEED)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.set_num_threads(1)
    warnings.resetwarnings()
    warnings.simplefilter("ignore")


def _write(path: Path, outcome: Result) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(encode(outcome)))
    partial.rename(path)

"""One parent's session with its workers: asks platforms what is here, reads the catalog, runs lots.

Plugins come by name from the registry; results are yielded, and whoever wants to keep them does.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsweep import machine, registry
from archsweep.contract import Capabilities, Evidence, Lot, Probe
from archsweep.encoding import decode
from archsweep.errors import HarnessBroken, PluginFault, SettingsError, with_install
from archsweep.run import endings, plan
from archsweep.run.launch import Forking, Launcher, Spawning
from archsweep.run.pool import Pool, Turn, last_words
from archsweep.run.tasks import ANSWER_FILE

if TYPE_CHECKING:
    from archsweep.archs.catalog import Catalog

PROBE_DEADLINE_S = 120.0
SCAN_DEADLINE_S = 900.0
_RANK = {Evidence.HARDWARE: 0, Evidence.EMULATOR: 1, Evidence.COMPILER: 2, Evidence.PREDICTED: 3, Evidence.NONE: 4}


class Session:
    """Workers of one sweep, in a temporary folder. Use as a context manager."""

    def __init__(
        self, imports: Sequence[str] = (), *, trust_remote_code: bool = False, fork: bool = sys.platform == "linux",
        platforms: Sequence[str] = (), checks: Sequence[str] = (), hidden: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """`platforms`, `checks`: what these need is imported before any worker is forked; `hidden`: packages that none
        is to find."""
        plugins = [["platforms", name] for name in platforms] + [["checks", name] for name in checks]
        self._setup = {
            "imports": list(imports),
            "trust_remote_code": trust_remote_code,
            "hidden": list(hidden),
            "plugins": plugins,
        }
        self._fork = fork
        self._asked = 0

    def __enter__(self) -> Session:
        self.folder = Path(tempfile.mkdtemp(prefix="archsweep-"))
        self.spawning = Spawning(self._setup)
        self.launcher: Launcher = Forking(self._setup, self.folder) if self._fork else self.spawning
        return self

    def __exit__(self, *details: object) -> None:
        self.launcher.close()
        self.spawning.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def scan(self) -> Catalog:
        """The catalog as the warm workers see it, so that transformers is imported only once."""
        from archsweep.archs.catalog import Catalog

        answer, fault = self._ask("scan", json.dumps(self._setup), SCAN_DEADLINE_S)
        if answer is None:
            raise HarnessBroken(f"the catalog could not be read: {fault}")
        if "error" in answer:
            raise SettingsError(*answer["error"])
        return decode(Catalog, answer["catalog"])

    def ground(self, platform: str) -> plan.Ground:
        """What the platform says about this machine. If it dies, hangs or does not load, it is absent."""
        try:
            capabilities: Capabilities = registry.load("platforms", platform).capabilities
        except PluginFault as error:
            capabilities = Capabilities()
            probe = Probe(present=False, evidence=Evidence.NONE, reason=" ".join(str(error).split()))
        else:
            answer, fault = self._ask("probe", platform, PROBE_DEADLINE_S)
            absent = Probe(present=False, evidence=Evidence.NONE, reason=f"its probe did not answer: {fault}")
            probe = absent if answer is None else decode(Probe, answer)
        environment = machine.environment(
            versions=probe.versions, device=probe.device, driver=probe.driver, notes=self.launcher.notes
        )
        return plan.Ground(name=platform, capabilities=capabilities, probe=probe, environment=environment)

    def run(
        self, lots: Sequence[Lot], aside: Sequence[Lot], jobs: int, grounds: Sequence[plan.Ground]
    ) -> Iterator[Turn]:
        """Turns until every case has a result. Platforms that do not bear forking get spawned workers."""
        unsafe = {ground.name for ground in grounds if not ground.capabilities.fork_safe}
        most = {ground.name: ground.capabilities.lots_per_worker for ground in grounds}
        lasting = {name: number for name, number in most.items() if number > 1}
        peak = 0
        for launcher, wanted in ((self.launcher, False), (self.spawning, True)):
            chosen = [lot for lot in lots if (lot.platform in unsafe) is wanted]
            beside = [lot for lot in aside if (lot.platform in unsafe) is wanted and lot.platform not in lasting]
            first = [lot for lot in aside if (lot.platform in unsafe) is wanted and lot.platform in lasting]
            if not chosen and not beside and not first:
                continue
            pool = Pool(launcher, self.folder, jobs, lasting=lasting, peak_bytes=peak)
            try:
                yield from pool.run([*first, *chosen], beside)
            finally:
                pool.stop()
            peak = pool.peak_bytes

    def _ask(self, task: str, argument: str, deadline_s: float) -> tuple[Any, str]:
        """(answer, "") of a task in a child process, or (None, what went wrong)."""
        self._asked += 1
        id = f"{task}-{self._asked}"
        folder = self.folder / id
        folder.mkdir()
        self.launcher.start(task, id, folder, argument=argument)
        began, late = time.monotonic(), False
        while not (ended := [item for item in self.launcher.wait(0.2) if item.id == id]):
            if time.monotonic() - began > deadline_s and not late:
                late = True
                self.launcher.kill(id)
        answer = None
        with contextlib.suppress(OSError, ValueError):
            answer = json.loads((folder / ANSWER_FILE).read_text())
        if answer is not None:
            return answer, ""
        status = ended[0].wait_status
        fault = "the zygote died" if status is None else endings.death(status)[1]
        return None, f"no answer within {deadline_s:g} s" if late else f"{fault}. {last_words(folder, 500)}"


def resolve_platforms(session: Session, wanted: Sequence[str]) -> tuple[list[plan.Ground], str]:
    """The platforms meant by names, "present" or "auto", and a line that says why, if the choice was ours.

    Raises UnknownName, PluginFault.
    """
    if not {"present", "auto"}.intersection(wanted):
        for name in wanted:
            registry.load("platforms", name)
        return [session.ground(name) for name in dict.fromkeys(wanted)], ""
    grounds = [session.ground(name) for name in registry.names("platforms")]
    present = [ground for ground in grounds if ground.probe.present]
    if "present" in wanted:
        return present, "\n".join([f"present: {', '.join(ground.name for ground in present)}", *_absent(grounds)])
    best = min(present, key=_preference)
    return [
        best
    ], f"auto: {best.name} ({best.probe.device}), evidence {best.probe.evidence}, the best of {len(present)}"


def _absent(grounds: Sequence[plan.Ground]) -> list[str]:
    """A line for each platform that is not here: why, and how to get it."""
    probes = [(ground.name, ground.probe) for ground in grounds if not ground.probe.present]
    return [f"not here: {name}: {with_install(probe.reason, probe.install)}" for name, probe in probes]


def _preference(ground: plan.Ground) -> tuple[int, bool, str]:
    """Real hardware first; among equals an accelerator before the default platform."""
    from archsweep.settings import DEFAULT_PLATFORM

    return _RANK[ground.probe.evidence], ground.name == DEFAULT_PLATFORM, ground.name

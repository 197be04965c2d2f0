"""What a child process can be asked to do, and how it gets ready for it: by the zygote, or alone when spawned.

Answers go to files in the task's folder. Knows nothing of the parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import pkgutil
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from archsweep.errors import UNLOADABLE, ArchsweepError

OUTPUT_FILE, ASKED_FILE, ANSWER_FILE = "output", "asked.json", "answer.json"
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # of prctl(2)
SCANNERS = 2  # processes that read the library together


def prepare(setup: Mapping[str, Any]) -> tuple[str, ...]:
    """Import what every worker needs; returns notes for the fingerprint.

    `setup`: `imports` (modules that register architectures), `trust_remote_code`, `hidden` (packages that are not to be
    imported), and `plugins`, for `warm_up` only. Raises SettingsError for one of `imports` that cannot be imported.
    """
    from archsweep.archs import importing

    sys.modules.update(dict.fromkeys(setup.get("hidden", ())))  # None: whoever imports it is told that it is not there
    notes = importing.warm()
    import torch
    import transformers

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    importlib.import_module("transformers.modeling_utils")
    importing.join(setup["imports"], trust_remote_code=setup["trust_remote_code"])
    return notes


def warm_up(plugins: Sequence[tuple[str, str]] = ()) -> None:
    """Run a little of everything once, so that no worker pays for torch's lazy initialisation.

    Imported here as well: the image library that transformers wraps, where it is installed (it takes a second), and
    what `plugins` (kind, name) need, where these have a `warm_up` of their own. One that is broken stops no other.
    """
    import torch

    from archsweep import registry

    _preload()
    with contextlib.suppress(*UNLOADABLE, ArchsweepError):
        importlib.import_module("timm")

    with torch.no_grad():
        layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True).eval()
        image = torch.nn.functional.conv2d(torch.ones(1, 3, 8, 8), torch.ones(4, 3, 2, 2))
        for dtype in (torch.float32, torch.float64):
            layer.to(dtype)(torch.ones(2, 4, 16, dtype=dtype))
        torch.nn.functional.scaled_dot_product_attention(*[torch.ones(1, 2, 4, 8)] * 3)
        torch.nn.functional.gelu(image).mean().item()
    for kind, name in plugins:
        with contextlib.suppress(*UNLOADABLE, ArchsweepError):  # its probe, or its first case, says why
            own = getattr(registry.load(kind, name), "warm_up", None)
            if own is not None:
                own()


def _preload() -> None:
    """Import the rules and the plugins, which each worker would otherwise import for itself."""
    from archsweep import archs, registry
    from archsweep.archs import float64, overrides

    for found in pkgutil.walk_packages(archs.__path__, f"{archs.__name__}."):
        importlib.import_module(found.name)
    for kind in registry.KINDS:
        for name in registry.names(kind):
            with contextlib.suppress(*UNLOADABLE, ArchsweepError):  # another package's plugin: its worker says why
                registry.load(kind, name)
    overrides.load()
    with float64.widened():
        pass


def bind_to_parent() -> None:
    """On Linux: die with the process that started this one, and adopt what own children leave behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    adopt_orphans()


def adopt_orphans() -> None:
    """On Linux: descendants whose own parent has died become children of this process."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def capture(path: Path) -> None:
    """Send standard output and error, of this process and of what it starts, to a file.

    Temporary files go into the session's folder, beside the task's: it is removed even if this process is killed.
    """
    os.environ["TMPDIR"] = str(path.parent.parent)
    tempfile.tempdir = None
    sys.stdout.flush()
    sys.stderr.flush()
    target = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, descriptor in ((nothing, 0), (target, 1), (target, 2)):
        os.dup2(source, descriptor)
    os.close(target)
    os.close(nothing)


def _lot(folder: Path, argument: str) -> None:
    """Run the lot in `folder`, and what the parent hands over next, until it had `argument` of them, or is spoiled."""
    from archsweep.run import handing, worker

    fit = worker.work(folder)
    for _ in range(1, int(argument)):
        following = handing.wait_for_next(folder) if fit else None
        if following is None:
            return
        folder = following
        capture(folder / OUTPUT_FILE)
        fit = worker.work(folder)


def _probe(folder: Path, argument: str) -> None:
    """Ask the platform named `argument` what is here; the answer goes to ANSWER_FILE."""
    from archsweep import registry
    from archsweep.encoding import encode

    answer = encode(registry.load("platforms", argument).probe())
    (folder / ANSWER_FILE).write_text(json.dumps(answer))


def _scan(folder: Path, argument: str) -> None:
    """Read the catalog as the setup in `argument` wants it; catalog or error goes to ANSWER_FILE."""
    from archsweep.archs import catalog
    from archsweep.encoding import encode
    from archsweep.errors import SettingsError

    setup = json.loads(argument)
    try:
        found = catalog.scan(setup["imports"], trust_remote_code=setup["trust_remote_code"], workers=SCANNERS)
        answer = {"catalog": encode(found)}
    except SettingsError as error:
        answer = {"error": [error.message, error.next_step]}
    (folder / ANSWER_FILE).write_text(json.dumps(answer))


def _specify(folder: Path, argument: str) -> None:
    """State how the classes in ASKED_FILE, lists of subjects, are made and called: each list's answer at once."""
    from archsweep.archs.specification import specified
    from archsweep.contract import Subject
    from archsweep.encoding import decode, encode

    for number, group in enumerate(json.loads((folder / ASKED_FILE).read_text())):
        answer = [encode(specified(decode(Subject, item))) for item in group]
        partial = folder / "answer.partial"
        partial.write_text(json.dumps(answer))
        partial.rename(folder / answer_file(number))


def answer_file(number: int) -> str:
    """The name of the file with the answer to one of several questions."""
    return f"answer-{number}.json"


TASKS: dict[str, Callable[[Path, str], None]] = {"lot": _lot, "probe": _probe, "scan": _scan, "specify": _specify}


def main() -> None:
    """A child without a zygote: `python -m archsweep.run.tasks TASK FOLDER ARGUMENT SETUP`."""
    task, folder, argument, setup = sys.argv[1], Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
    bind_to_parent()
    capture(folder / OUTPUT_FILE)
    prepare(setup)
    TASKS[task](folder, argument)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

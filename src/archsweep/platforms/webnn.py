"""WebNN: the browser's own neural-network interface, through onnxruntime-web. Where it ran, the browser's log says."""

from __future__ import annotations

import functools
import re

from archsweep.contract import Bench, Capabilities, Evidence, Placement, Priority, Probe, Program
from archsweep.platforms import _browser, _browser_probe
from archsweep.platforms._tab import Tab
from archsweep.platforms._web_parts import Parts

title = "WebNN in a browser"
priority = Priority.HIGH
capabilities = Capabilities(executes=True, dtypes=("float32",), lots_per_worker=50)
package = "onnxruntime-web"

PROVIDER = {"name": "webnn", "deviceType": "cpu"}
FLAGS = ("--enable-features=WebMachineLearningNeuralNetwork",)
REPAIRS = (
    "concatenation_of_something",
    "splits_of_something",
    "pads_by_concatenation",
    "masked_rows_as_selection",
    "convolutions_of_two_dimensions",
    "largest_by_maxima",
    "gather_elements_by_flat_indices",
    "scatter_of_one_boolean",
    "scatter_elements_as_selection",
    "slices_of_one_element",
    "einsum_as_product",
    "operations_of_few_dimensions",
    "transposes_of_few_dimensions",
    "reshapes_of_few_dimensions",
)
DEVICES = {"XNNPACK delegate for CPU": "WebNN/LiteRT-CPU"}  # what the browser's log says, and what that is
_COUNT = re.compile(r"number of nodes in the graph: (\d+) number of nodes supported by WebNN: (\d+)")


@functools.cache
def _tab() -> Tab:
    return Tab(FLAGS, provider=PROVIDER)


def _described(tab: Tab) -> tuple[str, Evidence, str]:
    reason = tab.ask("network")
    return "WebNN/LiteRT-CPU", Evidence.HARDWARE, f"the browser has no WebNN backend: {reason}" if reason else ""


def probe() -> Probe:
    """Multiplies two matrices in a headless browser's page."""
    return _browser_probe.probe(FLAGS, PROVIDER, _described)


def trial(parts: Parts) -> str:
    return _browser_probe.trial(parts, FLAGS, PROVIDER)


class NetworkProgram(_browser.PageProgram):
    """A graph in the page. Satisfies contract.Program."""

    def placement(self) -> Placement:
        said = self._tab.log()
        return self.placement_on(next((device for words, device in DEVICES.items() if words in said), ""))


def compile(bench: Bench) -> Program:
    program = _browser.accepted(bench, REPAIRS, lambda made: NetworkProgram(_tab(), PROVIDER, made))
    counts = [tuple(map(int, found)) for line in program.said for found in _COUNT.findall(line)]
    program.details = {**program.details, "nodes": counts[-1][0] if counts else None,
                       "nodes_in_webnn": counts[-1][1] if counts else None}  # fmt: skip
    return program

"""WebNN: the browser's own neural-network interface, through onnxruntime-web.

The runtime says how many nodes of a graph it gave to the browser's interface. On what device that computes, the
browser's log says: of the browser as a whole, not of one graph.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from archsweep.contract import Bench, Capabilities, Evidence, Placement, Priority, Probe, Program
from archsweep.platforms import _browser, _browser_probe, _code
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
    "doubles_as_floats",
)
DEVICES = {"XNNPACK delegate for CPU": "WebNN/LiteRT-CPU"}  # what the browser's log says, and what that is
_COUNT = re.compile(r"number of nodes in the graph: (\d+) number of nodes supported by WebNN: (\d+)")


@functools.cache
def _tab() -> Tab:
    return Tab(FLAGS, provider=PROVIDER)


def _described(tab: Tab) -> tuple[str, Evidence, str]:
    reason = tab.ask("network")
    if reason:
        return "", Evidence.NONE, f"the browser has no WebNN backend: {reason}"
    _browser_probe.computes(tab, PROVIDER)  # the log names the device once a graph was compiled for it
    device = _device(tab)
    return device, Evidence.HARDWARE, "" if device else "the browser's log names no device that is known"


def _device(tab: Tab) -> str:
    said = tab.log()
    return next((device for words, device in DEVICES.items() if words in said), "")


def probe() -> Probe:
    """Multiplies two matrices in a headless browser's page."""
    return _browser_probe.probe(FLAGS, PROVIDER, _described)


def trial(parts: Parts) -> str:
    return _browser_probe.trial(parts, FLAGS, PROVIDER)


class NetworkProgram(_browser.PageProgram):
    """A graph in the page. Satisfies contract.Program."""

    executing = "WebNNExecutionProvider"

    def counts(self) -> tuple[int, int] | None:
        """Nodes of the graph and, of these, those in WebNN, as the runtime counted them; None if it did not."""
        found = [_COUNT.search(line) for line in self.said]
        return next(((int(count[1]), int(count[2])) for count in reversed(found) if count), None)

    def placement(self) -> Placement:
        """Unreadable unless the runtime gave nodes of this very graph to WebNN."""
        return self.placement_on(_device(self._tab) if all(self.counts() or (0,)) else "")


def compile(bench: Bench) -> Program:
    program = _browser.accepted(bench, REPAIRS, lambda made: NetworkProgram(_tab(), PROVIDER, made))
    nodes, inside = program.counts() or (None, None)
    program.details = {**program.details, "nodes": nodes, "nodes_in_webnn": inside}
    return program


def usage(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    needs = f"In a browser with WebNN (Chromium: {FLAGS[0]}). The page lies beside the graph and inputs.json."
    return _code.paged(details, PROVIDER, needs)

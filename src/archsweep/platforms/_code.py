"""The lines of code that make an ONNX graph of `model` and `inputs`, as the details of a pass say that it was made.

Plain torch as far as that goes. Where archsweep had to say a model otherwise, or to mend its graph, the lines call
archsweep for it and say so; where a program was fed what no graph computes, there are none that would be true. Names
in details may come from anywhere: they stand in the code as quoted text alone.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from archsweep.export import repairs
from archsweep.export.routes import OPSET

Details = Mapping[str, Any]
Block = tuple[str, str]  # language and lines

PYTHON, JAVASCRIPT = "python", "javascript"
STEP, WIDTH, MOST = "    ", 100, 600  # characters of a line; of a text in a comment
NAMED = 12  # outputs that are named one by one
FILE, FOLDED, MENDED = "model.onnx", "folded.onnx", "repaired.onnx"
WITHOUT_TF32 = (  # which keeps ten bits of the mantissa: for the numbers that were compared
    "torch.backends.cuda.matmul.allow_tf32 = False",
    "torch.backends.cudnn.allow_tf32 = False",
)
TENSORS = """\
def tensors(value):  # all that the model returns, one after the other
    if torch.is_tensor(value):
        return [value]
    if isinstance(value, (list, tuple)):
        return [found for part in value for found in tensors(part)]
    parts = value.items() if hasattr(value, "items") else getattr(value, "__dict__", {}).items()
    return [found for name, part in parts if name[0] != "_" for found in tensors(part)]


"""
POSITIONAL = """\
class Positional(torch.nn.Module):  # tensors in, a tuple of tensors out
    def __init__(self):
        super().__init__()
        self.model = model

    def forward(self, *given):
        outputs = self.model(**INPUTS)
        return OUTPUTS


"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What of the case itself a page puts beside the details, under `case`."""

    dtype: str = "float32"
    options: Mapping[str, str]
    evidence: str = ""


def case(details: Details) -> Case:
    told = details.get("case") or {}
    return Case(
        dtype=told.get("dtype", "float32"), options=told.get("options") or {}, evidence=told.get("evidence", "")
    )


def quoted(value: Any) -> str:
    """Text, or a list of texts, as source."""
    return json.dumps(list(value) if not isinstance(value, str) else value)


def comment(text: str, mark: str = "#") -> list[str]:
    """The text as lines of comment."""
    harmless = "".join(sign if sign.isprintable() else " " for sign in text[:MOST])
    lead = f"{mark} "
    return textwrap.wrap(harmless, WIDTH, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)


def none(reason: str) -> list[Block]:
    """What a platform answers where there are no true lines."""
    return [(PYTHON, "\n".join(comment(reason)) + "\n")]


def eager(details: Details, device: str, before: Sequence[str] = ()) -> list[Block]:
    """A pass of `model` by torch itself on a device that it knows, in the dtype of the case."""
    dtype = case(details).dtype
    if dtype not in ("float32", "float16", "bfloat16"):
        return none(f"No lines: nobody has written down how torch computes in {dtype}.")
    lines = list(before)
    if device != "cpu":
        lines += [f"model = model.to({quoted(device)})",
                  f"inputs = {{name: value.to({quoted(device)}) for name, value in inputs.items()}}"]  # fmt: skip
    if dtype != "float32":
        lines += [f"model = model.to(torch.{dtype})",
                  f"inputs = {{name: value.to(torch.{dtype}) if value.is_floating_point() else value",
                  "          for name, value in inputs.items()}"]  # fmt: skip
    return [code("import torch", lines=[*lines, "with torch.no_grad():", "    outputs = model(**inputs)"])]


def lacking(details: Details) -> str:
    """Why there are no true lines for a program of a graph; "" where there are."""
    program, called = details.get("program") or {}, (details.get("recipe") or {}).get("called") or {}
    if not program:
        return "No lines: the result does not say how its program was made."
    if program.get("beside"):
        return (
            "No lines: what worked is fed integers that archsweep computes beside the graph with the model's own "
            f"methods, for they follow from the values of inputs ({', '.join(program['beside'])})."
        )
    odd = [name for name, said in called.items() if "(" not in said]
    return f"No lines: a graph takes tensors, one by one, and {', '.join(odd)} is none." if odd else ""


def names(details: Details) -> list[str]:
    """The inputs that a graph is given."""
    recipe, frozen = details.get("recipe") or {}, (details.get("program") or {}).get("frozen") or ()
    return [name for name in recipe.get("called") or recipe.get("inputs") or () if name not in frozen]


def outputs(details: Details) -> list[str]:
    """The names of the outputs where each is one tensor under a name of its own; else none."""
    shapes = list(details.get("shapes") or {})
    plain = len(shapes) <= NAMED and all(path.isidentifier() and path != "output" for path in shapes)
    return shapes if plain else []


def named(details: Details, found: str) -> str:
    """The line that gives what a session returned its names."""
    return f"outputs = dict(zip(wanted, {found}))" if outputs(details) else f"outputs = {found}"


def positional(details: Details) -> list[str]:
    """Lines that define `module`, a model as exporters take it, and `given`, its arguments."""
    program, known = details.get("program") or {}, outputs(details)
    frozen = list(program.get("frozen") or ())
    told = "{**fixed, **dict(zip(names, given))}" if frozen else "dict(zip(names, given))"
    picked = "tuple(outputs[name] for name in wanted)" if known else "tuple(tensors(outputs))"
    lines = _listed("names", names(details)) + (_listed("wanted", known) if known else [])
    if frozen:
        lines += [
            *_listed("frozen", frozen),
            "fixed = {name: inputs[name] for name in frozen}  # constants of the graph",
        ]
    text = POSITIONAL.replace("INPUTS", told).replace("OUTPUTS", picked)
    lines += ["", "", *("" if known else TENSORS).splitlines(), *text.splitlines(), *_experts(details)]
    return [*lines, "module, given = Positional(), tuple(inputs[name] for name in names)"]


def _listed(name: str, texts: Iterable[str]) -> list[str]:
    """An assignment of a list of texts, in lines of a good width."""
    return textwrap.wrap(f"{name} = {quoted(texts)}", WIDTH, subsequent_indent=STEP, break_long_words=False,
                         break_on_hyphens=False)  # fmt: skip


def code(*imports: str, lines: Sequence[str]) -> Block:
    """Python: the imports, those of the standard library apart, and the lines."""
    imports = (*imports, *["import contextlib"] * any(line.startswith("with contextlib") for line in lines))
    ordered = sorted({*imports}, key=lambda line: line.split()[1])
    own = [line for line in ordered if line.split()[1].split(".")[0] in sys.stdlib_module_names]
    others = [line for line in ordered if line not in own]
    return PYTHON, "\n".join([*own, *[""] * bool(own), *others, "", *lines, ""])


def _experts(details: Details) -> list[str]:
    """Where a configuration speaks of experts, or nobody knows whether it does."""
    told = details.get("recipe") or {}
    if "config" in told and not told.get("experts"):
        return []
    return ["with contextlib.suppress(ValueError, AttributeError):  # a model without experts",
            '    model.set_experts_implementation("batched_mm")  # else the routing of these tokens is baked in',
            ""]  # fmt: skip


def graph(details: Details, fold: bool = True) -> tuple[list[str], list[str], str]:
    """Imports, the lines that write a graph, and its file. `fold`: constants are folded before repairs."""
    program = details["program"]
    route = program.get("route", "")
    mended = {name: count for name, count in (program.get("repairs") or {}).items() if _known(name)}
    uses = ["import torch", *["from archsweep.export.flat import flatten"] * (route == "flat")]
    uses += ["from pathlib import Path"] * bool(mended)
    uses += ["from archsweep.export import repairs"] * bool(mended)
    uses += ["from archsweep.export.folding import fold"] * bool(mended and fold)
    lines = positional(details)
    lines += _flattened(program) if route == "flat" else []
    lines += ["with torch.no_grad():"]
    if route == "dynamo":
        lines += [f'    torch.onnx.export(module, given, dynamo=True, input_names=names).save("{FILE}")']
    else:
        options = f"dynamo=False, opset_version={OPSET}, input_names=names"
        lines += [f'    torch.onnx.export(module, given, "{FILE}", {options})']
    return (uses, lines, FILE) if not mended else (uses, [*lines, *_mended(mended, fold)], MENDED)


def _flattened(program: Details) -> list[str]:
    failed = [item["error"] for item in program.get("attempts") or () if item.get("error")]
    reason = f" It said: {failed[0]}" if failed else ""
    said = f"Torch's own tracer led to no graph that worked: archsweep gives it the bare list of operations.{reason}"
    return [*comment(said), "module = flatten(module, given)"]


def _mended(counts: Mapping[str, Any], fold: bool) -> list[str]:
    lines = comment("The graph as it is was not what worked: archsweep mends it first.")
    for name, count in counts.items():
        why = importlib.import_module(f"{repairs.__name__}.{name}").why
        lines += comment(f"- {name}, {count} time{'s' * (count != 1)}: {why}")
    if fold:
        lines += [f'fold(Path("{FILE}"), Path("{FOLDED}"))']
    lines += _listed("mended", counts)
    return [*lines, f'repairs.repaired(Path("{FOLDED if fold else FILE}"), mended, Path("{MENDED}"))']


def _known(name: str) -> bool:
    """Whether it is the name of a repair."""
    return name.isidentifier() and importlib.util.find_spec(f"{repairs.__name__}.{name}") is not None


def fed(session: str) -> str:
    """What a session of ONNX Runtime is fed: what it asks for alone, for a graph may have lost inputs."""
    return f"{{item.name: inputs[item.name].numpy() for item in {session}.get_inputs()}}"


def paged(details: Details, provider: Any, needs: str) -> list[Block]:
    """A page's JavaScript that runs the graph on a provider of ONNX Runtime Web, after the Python that makes it."""
    if reason := lacking(details):
        return none(reason)
    imports, lines, file = graph(details)
    kept = ["", "# what the page reads", "told = {"]
    kept += ['    name: {"type": str(value.dtype)[6:], "dims": list(value.shape), "data": value.flatten().tolist()}']
    kept += ["    for name, value in inputs.items()", "}", 'with open("inputs.json", "w") as written:']
    kept += ["    json.dump(told, written)"]
    page = [
        *comment(needs, "//"),
        'import * as ort from "./node_modules/onnxruntime-web/dist/ort.jspi.min.mjs";',
        "",
        'const told = await (await fetch("inputs.json")).json();',
        f"const options = {{executionProviders: [{json.dumps(provider)}]}};",
        f'const session = await ort.InferenceSession.create("{file}", options);',
        "const feeds = {};",
        "for (const name of session.inputNames) {",
        "  feeds[name] = new ort.Tensor(told[name].type, told[name].data, told[name].dims);",
        "}",
        "const found = await session.run(feeds);",
        "const outputs = session.outputNames.map((name) => found[name]);",
    ]
    return [code("import json", *imports, lines=[*lines, *kept]), (JAVASCRIPT, "\n".join([*page, ""]))]

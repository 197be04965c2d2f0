"""A script of at most 40 lines, in plain torch and transformers, that shows what a case showed. Runs nothing itself."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from archsweep.archs.shrink.tree import Call

MOST_LINES = 40
WIDTH = 116

_END = """\
g = torch.Generator().manual_seed(0)
torch.manual_seed(0)
model = {model}(config).eval()
with torch.no_grad():
    for p in model.parameters():  # default weights leave attention almost uniform: make each of them matter
        p.add_(torch.randn(p.shape, generator=g) * 0.05)
    inputs = dict(
{inputs}
    )
{cast}    seeded = lambda m, x: (torch.manual_seed(0), m(**x))[1]
    flat = lambda o: [t for v in (o.values() if hasattr(o, "values") else o if isinstance(o, (list, tuple)) else [o])
                      for t in ([v] if torch.is_tensor(v) else flat(v) if isinstance(v, (list, tuple)) else [])
                      if t.is_floating_point()]
    found = flat(seeded(model, inputs))
    wide = {{k: v.double() if v.is_floating_point() else v for k, v in inputs.items()}}
    exact = flat(seeded(model.double(), wide))
for a, b in zip(found, exact, strict=True):
    error = ((a.double() - b).norm() / b.norm().clamp_min(1e-12)).item()
    print(tuple(a.shape), "finite" if a.isfinite().all() else "NOT FINITE", f"relative error {{error:.1e}}")
"""


_CAST = """\
    model.to(torch.{dtype})
    inputs = {{k: v.to(torch.{dtype}) if v.is_floating_point() else v for k, v in inputs.items()}}
"""

_HIDE = 'sys.modules["torchvision"] = None  # it does not load on this machine; transformers does without it'


def script(
    title: str,
    class_name: str,
    class_module: str,
    config: Call,
    inputs: Mapping[str, torch.Tensor],
    hide_torchvision: bool = False,
    dtype: str = "float32",
) -> str:
    """The text of the script. `title` says which case it is and how it ended; the model runs in `dtype`."""
    imports = sorted({f"from {kind.__module__} import {kind.__name__}" for kind in _kinds(config)})
    head = [
        f'"""{title}"""',
        "",
        *(["import sys", "", _HIDE] if hide_torchvision else []),
        "import torch",
        *imports,
        f"from {class_module} import {class_name}",
        "",
        *_wrapped("config = " + _call(config)),
    ]
    given = "\n".join(
        line for name, value in inputs.items() for line in _wrapped(f"{name}={tensor(value)},", "        ")
    )
    cast = "" if dtype == "float32" else _CAST.format(dtype=dtype)
    return "\n".join(head) + "\n" + _END.format(model=class_name, inputs=given, cast=cast)


def importing(title: str, class_name: str, class_module: str, config_class: str) -> str:
    """The script of a class that cannot be built at all: its import, and its default configuration's model."""
    module, _, kind = config_class.partition(":")
    lines = [f"from {module} import {kind}", f"from {class_module} import {class_name}"]
    return "\n".join([f'"""{title}"""', "", *lines, "", f"print({class_name}({kind}()))", ""])


def _kinds(call: Call) -> list[type]:
    inner = [kind for value in call.arguments.values() if hasattr(value, "made") for kind in _kinds(value)]
    return [call.kind, *inner]


def _call(call: Call) -> str:
    parts = [
        f"{name}={_call(value) + '.to_dict()' * call.tables if hasattr(value, 'made') else repr(value)}"
        for name, value in call.arguments.items()
    ]
    return f"{call.kind.__name__}({', '.join(parts)})"


def _wrapped(text: str, indent: str = "") -> list[str]:
    """`text` broken at spaces after commas, none of its lines wider than a screen."""
    import textwrap

    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def tensor(value: torch.Tensor) -> str:
    """An expression that makes `value`, or for random numbers another draw of the same kind and shape."""
    import torch

    shape = list(value.shape)
    if value.is_floating_point():
        flat = value.flatten()
        if flat.numel() and bool((flat == flat[0]).all()):
            return f"torch.full({shape}, {float(flat[0])!r})"
        if flat.numel() <= 16:
            return f"torch.tensor({value.tolist()})"
        drawn = "rand" if float(flat.min()) >= 0 and float(flat.max()) <= 1 else "randn"
        return f"torch.{drawn}({shape}, generator=g)"
    runs = [(key, len(list(group))) for key, group in itertools.groupby(value.flatten().tolist())]
    if len(runs) == 1:
        return f"torch.full({shape}, {runs[0][0]})"
    if len(runs) > 80:
        low, high = int(value.min()), int(value.max()) + 1
        return f"torch.randint({low}, {high}, {shape}, generator=g)"
    parts: list[str] = []
    for single, group in itertools.groupby(runs, key=lambda run: run[1] < 4):
        if single:
            parts.append("[" + ", ".join(str(key) for key, count in group for _ in range(count)) + "]")
        else:
            parts.extend(f"[{key}] * {count}" for key, count in group)
    typed = ", dtype=torch.bool" if value.dtype == torch.bool else ""
    return f"torch.tensor({' + '.join(parts)}{typed}).reshape({shape})"

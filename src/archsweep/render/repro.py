"""A script of at most 40 lines, in plain torch and transformers, that shows what a case showed. Runs nothing itself.

It makes the same configuration, the same weights (each tensor from its own stream of uniform numbers, as `archs.lively`
draws them) and the same inputs, and ends with another code than 0 where the case failed.
"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from archsweep.archs import comparison, eager, reference, statement
from archsweep.archs.inputs.facts import stream
from archsweep.archs.lively import Draw
from archsweep.render import tensors

if TYPE_CHECKING:
    import torch

    from archsweep.archs.shrink.tree import Call

MOST_LINES = 40
WIDTHS = (116, 160, 240, 400, 800, 1_600, 100_000)  # the narrowest that gives few enough lines is taken
LETTERS = string.ascii_letters + string.digits + "".join(map(chr, range(0xC0, 0x250)))
CASTS = {"float32": "float", "float16": "half", "bfloat16": "bfloat16", "float64": "double"}

_FLAT = """\
def flat(o, path="output"):  # every tensor of an output by its path
    if torch.is_tensor(o):
        return {path: (torch.view_as_real(o) if o.is_complex() else o).clone()}
    o = o if hasattr(o, "items") else dict(enumerate(o)) if isinstance(o, (list, tuple)) else getattr(o, "__dict__", {})
    inner = [(f"{path}.{name}", v) for name, v in o.items() if not callable(v) and str(name)[:1] != "_"]
    return {k: t for name, v in inner for k, t in flat(v, name).items()}
"""

_MADE = """\
@torch.no_grad()
def one(cast):  # one pass of a new model
    torch.manual_seed(0)
    model = MODEL(config).eval()
"""

_DRAWN = """\
    for (name, p), kind in zip([*model.named_parameters(), *model.named_buffers()], KINDS, strict=True):
        key = int.from_bytes(hashlib.sha256(f"KEY".encode()).digest()[:16], "little")
        u = torch.from_numpy(numpy.random.Generator(numpy.random.Philox(key=key)).random(p.numel(), "f4")).view(p.shape)
"""

_CAST = """\
    getattr(model, cast)()
"""

_RUN = """\
    torch.manual_seed(SEED)
    return flat(model(**{k: getattr(v, cast)() if v.is_floating_point() else v.clone() for k, v in inputs.items()}))
"""

_WIDE = """\
    if cast == "double":  # also where the code asks for float32
        torch.float32, torch.float, torch.Tensor.float = torch.float64, torch.float64, torch.Tensor.double
"""

_EXPERTS = """\
        model.set_experts_implementation("eager")  # the grouped product refuses float64
"""

_FORWARD = """\
first, second = one("CAST"), one("CAST")
wrong = [k for k, t in first.items() if not t.equal(second[k]) or (t.isnan() | (t == float("inf"))).any()]
print({k: tuple(t.shape) for k, t in first.items()})
raise SystemExit(f"not finite, or not twice the same: {wrong}" if wrong else 0)
"""

_PARITY = """\
def far(a, b, s):  # relative L2 and largest error, but of fill values that agree
    a, b, s = (t.double().clamp(-MOST, MOST) for t in (a, b, s))
    fill = (b == s) & (b.abs() >= 1e4 * b.abs().median().clamp_min(1)) & ((a - b).abs() <= b.abs() / 100)
    d, n = (a - b).masked_fill(fill, 0), (~fill).sum().clamp_min(1) ** 0.5
    scale = (b.masked_fill(fill, 0).norm() / n).clamp_min(1e-5)
    return (d.norm() / n / scale).item(), (d.abs().max() / scale / 20).item()
single, found, exact = one("float"), one("CAST"), one("double")
wrong = sorted(found.keys() ^ exact.keys())
for k in [k for k in exact if k in found and exact[k].numel()]:
    own, error = far(single[k], exact[k], single[k]), far(found[k], exact[k], single[k])
    most = [min(max(SAFE * e, FLOOR), CEILING) if own[0] <= CAP else 0.0 for e in (own[0], max(own))]
    print(f"{k} {tuple(found[k].shape)}: relative error {error[0]:.1e}, allowed {most[0]:.1e}")
    wrong += [k] * (not (error[0] <= most[0] and error[1] <= most[1]))
raise SystemExit(f"wrong: {wrong}" if wrong else 0)
"""

# Where its compiled operators do not load, what stands in for each is its name.
_TORCHVISION = (
    'kept = [(one, one.define(f"{name}() -> Tensor")) for one in [torch.library.Library("torchvision", "FRAGMENT")]'
    ' for name in "OPERATORS".split()]  # operators that do not load here'
)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a script is written from. `draws` has an entry for each parameter and then each buffer of the model, None
    where the model's own values stay; `subject` and `seed` are the key of their streams."""

    title: str
    class_name: str
    class_module: str
    config: Call
    inputs: Mapping[str, torch.Tensor]
    draws: Sequence[Draw | None] = ()
    names: Sequence[str] = ()
    subject: str = ""
    seed: int = 0
    dtype: str = "float32"
    check: str = "parity"
    imports: Sequence[str] = ()
    torchvision: Sequence[str] = ()  # operators to be declared
    grouped: bool = False  # whether experts are computed by a grouped product


def script(told: Told) -> str:
    """The text of the script, in lines as short as `MOST_LINES` allows."""
    texts = (_text(told, width) for width in WIDTHS)
    return next((text for text in texts if len(text.splitlines()) <= MOST_LINES), _text(told, WIDTHS[-1]))


def _text(told: Told, width: int) -> str:
    head = [
        f'"""{told.title}"""',
        f"import {'hashlib, numpy, ' * bool(told.draws)}torch",
        *_declared(told.torchvision),
        *(f"import {name}" for name in told.imports),
        *_imports(told),
        *_wrapped("config = " + _call(told.config), "", width),
        *_wrapped(f"inputs = dict({', '.join(_inputs(told))})", "", width),
    ]
    drawn = _wrapped(f"p.copy_({{{_table(told)}}}[kind])", " " * 8, width) if told.draws else []
    made = _FLAT + _MADE + _DRAWN * bool(told.draws)
    rest = _FORWARD if told.check == "forward" else _PARITY
    run = _CAST + (_WIDE + _EXPERTS * told.grouped) * (told.check != "forward") + _RUN
    return "\n".join([*head, *_filled(made, told), *drawn, *_filled(run + rest, told)]) + "\n"


def _filled(text: str, told: Told) -> list[str]:
    """The lines of a template with what is written in capitals put in."""
    dtype = told.dtype
    named = {
        "MODEL": told.class_name,
        "KEY": f"{told.seed}/{told.subject}/{_dotted(told)}",
        "KINDS": f'"{_kinds_of(told)}"',
        "SEED": str(eager.SEED),
        "CAST": CASTS[dtype],
        "MOST": f"{comparison.HUGE.get(dtype, reference.HUGE):g}",
        "SAFE": f"{comparison.SAFETY * comparison.EPSILON[dtype] / comparison.EPSILON['float32']:g}",
        "FLOOR": f"{comparison.FLOOR[dtype]:g}",
        "CEILING": f"{comparison.CEILING[dtype]:g}",
        "CAP": f"{reference.CAP:g}",
    }
    return re.sub(r"\b(" + "|".join(named) + r")\b", lambda found: named[found.group()], text).splitlines()


def importing(
    title: str,
    class_name: str,
    class_module: str,
    config_class: str,
    imports: Sequence[str] = (),
    torchvision: Sequence[str] = (),
) -> str:
    """The script of a class that cannot be built at all: its import, and its default configuration's model."""
    module, _, kind = config_class.partition(":")
    lines = ["import torch", *_declared(torchvision)] if torchvision else []
    lines += [f"import {name}" for name in imports]
    lines += [f"from {module} import {kind}", f"from {class_module} import {class_name}"]
    return "\n".join([f'"""{title}"""', "", *lines, "", f"print({class_name}({kind}()))", ""])


def _declared(operators: Sequence[str]) -> list[str]:
    return [_TORCHVISION.replace("OPERATORS", " ".join(operators))] if operators else []


def _imports(told: Told) -> list[str]:
    import transformers

    named = {kind.__name__: kind.__module__ for kind in _kinds(told.config)} | {told.class_name: told.class_module}
    by_module: dict[str, list[str]] = {}
    for name, module in named.items():
        offered = getattr(getattr(transformers, name, None), "__module__", "") == module
        by_module.setdefault("transformers" if offered else module, []).append(name)
    return [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(by_module.items())]


def _dotted(told: Told) -> str:
    """The expression for a tensor's name in its stream's key, in which the root's own tensors begin with a dot."""
    drawn = [name for name, draw in zip(told.names, told.draws, strict=True) if draw is not None]
    return "{name}" if all("." in name for name in drawn) else "{'.' * ('.' not in name)}{name}"


def _letters(told: Told) -> dict[Draw, str]:
    return dict(zip(dict.fromkeys(draw for draw in told.draws if draw is not None), LETTERS, strict=False))


def _kinds_of(told: Told) -> str:
    """One letter for each tensor, `-` for one that stays as it is."""
    letters = _letters(told)
    return "".join("-" if draw is None else letters[draw] for draw in told.draws)


def _table(told: Told) -> str:
    return ", ".join(['"-": p', *(f'"{letter}": {_expression(draw)}' for draw, letter in _letters(told).items())])


def _expression(draw: Draw) -> str:
    """What `archs.lively` does with uniform numbers `u`, bit for bit."""
    sign = "-" if draw.low < 0 else "+"
    text = f"u * {draw.high - draw.low!r} {sign} {abs(draw.low)!r}"
    if draw.gap:
        text = f"({text}) + ({text}).sign() * {draw.gap!r}"
    return f"p * ({text})" if draw.kept else text


def _inputs(told: Told) -> list[str]:
    return [f"{name}={tensor(value, stream(told.subject, name, told.seed))}" for name, value in told.inputs.items()]


def _kinds(call: Call) -> list[type]:
    inner = [kind for value in call.arguments.values() if hasattr(value, "made") for kind in _kinds(value)]
    return [call.kind, *inner]


def _call(call: Call) -> str:
    parts = [
        f"{name}={_call(value) + '.to_dict()' * call.tables if hasattr(value, 'made') else repr(value)}"
        for name, value in call.arguments.items()
    ]
    return f"{call.kind.__name__}({', '.join(parts)})"


def _wrapped(text: str, indent: str, width: int) -> list[str]:
    """`text` broken at spaces after commas, none of its lines wider than `width`."""
    import textwrap

    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def tensor(value: torch.Tensor, seed: int) -> str:
    """An expression that makes `value`; where that would be long, another draw of the same kind and shape."""
    return tensors.expression(statement.tensor(value, seed))

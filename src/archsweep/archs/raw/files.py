"""Tokenizers that read their vocabulary from files: the files are written, each of the kind that its name says.

A name that ends in `.json` is a mapping from token to number, one in `.model` or `.spm` a sentencepiece model, and any
other a token a line, with its count where a class wants one. Merges are left empty: words are read letter by letter.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from archsweep.archs import eager
from archsweep.archs.raw import vocabulary
from archsweep.errors import Inapplicable

MARKS = (
    "{}",
    "##{}",
    "{}</w>",
    "{}@@",
    "▁{}",
)  # how kinds of vocabularies write a letter within or at the end of a word
SENTENCEPIECE = (".model", ".spm")
LINES = ("{}", "{} 1")  # a token alone, or with how often it was seen
TRIES = 3
LEAST = 256  # pieces that a model is learnt with, of which a smaller vocabulary takes the letters
UNKNOWN, CONTROL, NORMAL = 2, 3, 1  # sentencepiece's own numbers for kinds of pieces


def built(kind: Any, size: int, numbers: Mapping[str, int], own: Mapping[str, str]) -> Any:
    """A tokenizer of the class `kind`, read from files of `size` tokens. Raises what the class raises, and Inapplicable
    where it reads a file of an unknown kind."""
    parameters = inspect.signature(kind.__init__).parameters
    texts = {
        name: str(item.default)
        for name, item in parameters.items()
        if name in vocabulary.NAMED and item.default not in (None, inspect.Parameter.empty)
    }
    for name in numbers:
        texts.setdefault(name, own.get(name, f"<{name.removesuffix('_token')}>"))
    if "pad_token" not in texts and "eos_token" in texts:
        texts["pad_token"] = texts["eos_token"]
    wanted = {
        name: file for name, file in (getattr(kind, "vocab_files_names", None) or {}).items() if name in parameters
    }
    extra = {"extra_special_tokens": dict(own)} if own else {}
    if not wanted:
        return kind(**extra)  # its numbers are the class's own
    if any(file.endswith(SENTENCEPIECE) for file in wanted.values()):
        texts.setdefault("unk_token", "<unk>")
    named, fixed = vocabulary.placed(texts, numbers)
    plain: dict[str, Any] = {name: text for name, text in named.items() if name in vocabulary.NAMED}
    plain |= extra
    room = size
    tables: set[str] = set()
    for _ in range(TRIES):
        made = _read(kind, wanted, room, named, fixed, plain, tables)
        lacking = _lacking(made)
        if lacking:
            tables.add(lacking)
            continue
        over = _highest(made) + 1 - size
        if over <= 0:
            return made
        room -= over
        fixed = {text: number for text, number in fixed.items() if number < room}
    raise Inapplicable(f"{kind.__name__} gives numbers above the model's {size} tokens, whatever its files hold")


def _lacking(made: Any) -> str:
    """The name of a table that the tokenizer looks for in one of its files when it reads or writes a text; empty for
    none."""
    try:
        made.decode(made(vocabulary.CORPUS[0])["input_ids"])
    except KeyError as error:
        return error.args[0] if isinstance(error.args[0], str) else ""
    except eager.RAISED:  # one that wants boxes or the like beside a text
        return ""
    return ""


def _highest(made: Any) -> int:
    """The highest number that a tokenizer gives."""
    highest = max(made.get_vocab().values(), default=0)
    with contextlib.suppress(*eager.RAISED):  # one that wants boxes or the like beside a text
        highest = max(highest, *made(vocabulary.CORPUS[0])["input_ids"])
    return highest


def _read(
    kind: Any, wanted: Mapping[str, str], size: int, named: Mapping[str, str], fixed: Mapping[str, int],
    plain: Mapping[str, Any], tables: Collection[str] = (),
) -> Any:  # fmt: skip
    """The tokenizer out of files of `size` tokens, in the first form of a line that its class can read."""
    others = list(dict.fromkeys(named.values()))
    model = _sentencepiece(size) if any(file.endswith(SENTENCEPIECE) for file in wanted.values()) else None
    pieces = _letters() if model is None else [piece.piece for piece in model.pieces if piece.type == NORMAL]
    if len(pieces) + len(others) > size:
        pieces.sort(key=lambda piece: (len(piece), not piece.isalpha()))  # letters first: they spell everything
    tokens = vocabulary.laid(size, fixed, pieces, others)
    for form in LINES:
        with tempfile.TemporaryDirectory() as folder:
            given = {name: str(Path(folder) / file) for name, file in wanted.items()}
            for name, file in wanted.items():
                Path(given[name]).write_bytes(_contents(name, file, tokens, named, model, form, tables))
            try:
                return kind(**given, **plain)
            except (ValueError, IndexError):
                if form == LINES[-1]:
                    raise
            except KeyError as error:
                files = ", ".join(wanted.values())
                told = f"{kind.__name__} reads {files}, of a kind that cannot be learnt here: it lacks {error}"
                raise Inapplicable(told) from error
    raise AssertionError("unreachable: the last form returns or raises")


def _letters() -> list[str]:
    letters = sorted({letter for text in vocabulary.corpus() for letter in text if not letter.isspace()})
    plain = sorted(letters, key=lambda letter: (not letter.isalpha(), letter))
    return [" ", *(mark.format(letter) for mark in MARKS for letter in plain)]


def _contents(
    name: str, file: str, tokens: Sequence[str], named: Mapping[str, str], model: Any, form: str,
    tables: Collection[str],
) -> bytes:  # fmt: skip
    """What a file of this name holds: a token a line, where the name says nothing else."""
    if "merges" in name:
        return b"#version: 0.2\n"
    if file.endswith(".json"):
        numbers = {text: number for number, text in enumerate(tokens)}
        return json.dumps({**numbers, **{table: {} for table in tables}}).encode()
    if file.endswith(SENTENCEPIECE):
        return _renumbered(model, tokens, named)
    return "".join(f"{form.format(text)}\n" for text in tokens if text.strip() or form == LINES[0]).encode()


def _sentencepiece(size: int) -> Any:
    """A sentencepiece model of at most `size` pieces, or LEAST, learnt from the corpus."""
    import sentencepiece
    from transformers.utils.sentencepiece_model_pb2_new import ModelProto

    stream = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(vocabulary.corpus()), model_writer=stream, vocab_size=max(size, LEAST),
        hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    return ModelProto.FromString(stream.getvalue())


def _renumbered(model: Any, tokens: Sequence[str], named: Mapping[str, str]) -> bytes:
    """A sentencepiece model with exactly these tokens, each under its number."""
    proto = type(model)()
    proto.CopyFrom(model)
    scores = {piece.piece: piece.score for piece in proto.pieces if piece.type == NORMAL}
    worst = min(scores.values()) - 1.0
    special = {*named.values()}
    unknown = named.get("unk_token", "<unk>")
    del proto.pieces[:]
    for text in tokens:
        kind = UNKNOWN if text == unknown else CONTROL if text in special else NORMAL
        proto.pieces.add(piece=text, score=scores.get(text, worst), type=kind)
    found = {piece.piece: number for number, piece in enumerate(proto.pieces)}
    proto.trainer_spec.unk_id, proto.trainer_spec.unk_piece = found.get(unknown, 0), unknown
    for name in ("bos", "eos", "pad"):
        written = named.get(f"{name}_token", "")
        setattr(proto.trainer_spec, f"{name}_id", found.get(written, -1))
        if written:
            setattr(proto.trainer_spec, f"{name}_piece", written)
    proto.trainer_spec.vocab_size = len(proto.pieces)
    whole: bytes = proto.SerializeToString()
    return whole

"""A tokenizer of a given class, learnt offline from a few sentences, whose numbers are those of a tiny model.

A class brings its normaliser, its splitting, its post-processing and its kind of vocabulary; it is only the vocabulary
that is learnt. Then the tokens are numbered anew: the special ones as the model's configuration has them, and as many
in all as the model has embeddings, for a model of random weights may generate any of them.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from archsweep.archs.raw import files, vocabulary
from archsweep.errors import Inapplicable

LONGEST = 6  # letters of a piece
SPARE = 8  # numbers that are kept for pieces of text, however many special tokens a class brings


def built(kind: Any, size: int, numbers: Mapping[str, int], texts: Mapping[str, str]) -> Any:
    """A tokenizer of the class `kind` with `size` tokens.

    `numbers`: of special tokens, by name, as the model has them; `texts`: what a processor writes for some of them.
    Raises what the class raises, and Inapplicable where its vocabulary is of a kind that cannot be learnt here.
    """
    from transformers import TokenizersBackend

    named = {name: texts.get(name, f"<{name.removesuffix('_token')}>") for name in (*numbers, *texts)}
    own = {name: text for name, text in named.items() if name not in vocabulary.NAMED}
    if not issubclass(kind, TokenizersBackend):
        return files.built(kind, size, numbers, own)
    return _renumbered(_draft(kind, own), size, numbers, [name for name in texts if name in vocabulary.NAMED])


def _draft(kind: Any, own: Mapping[str, str]) -> Any:
    """A tokenizer that has the class's ways and next to no vocabulary."""
    given = {"extra_special_tokens": dict(own)} if own else {}
    parameters = inspect.signature(kind.__init__).parameters
    named = [item for item in list(parameters.values())[1:] if item.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    unknown = [item.name for item in named if item.default is inspect.Parameter.empty]
    if unknown:
        raise Inapplicable(f"{kind.__name__} wants {', '.join(unknown)}, which cannot be learnt here")
    try:
        return kind(**given)
    except ValueError as error:
        if "instantiate the backend" in str(error):
            return kind(tokenizer_object=_bytes(), **given)
        if "vocab" not in parameters:
            raise
    texts = [item.default for name, item in parameters.items() if name in vocabulary.NAMED and item.default]
    return kind(vocab=[(str(text), 0.0) for text in (*texts, "▁")], **given)


def _bytes() -> Any:
    """A backend as most checkpoints bring it whose class states none: pairs of bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return made


def _renumbered(draft: Any, size: int, numbers: Mapping[str, int], wanted: Sequence[str] = ()) -> Any:
    """`draft` with a learnt vocabulary of `size` tokens under the model's numbers, those named that are `wanted`."""
    import tokenizers

    texts = {name: str(getattr(draft, name)) for name in _names(draft) if getattr(draft, name, None)}
    always = ("pad_token", "mask_token", "unk_token", *wanted)
    for name in dict.fromkeys(("eos_token", *always)):
        if name not in texts and (name in numbers or name in always):
            texts[name] = f"<{name.removesuffix('_token')}>"
    if "pad_token" not in numbers and draft.pad_token is None and "eos_token" in texts:
        texts["pad_token"] = texts["eos_token"]
    named, fixed = vocabulary.placed(texts, numbers)
    data = json.loads(draft.backend_tokenizer.to_str())
    added = data.pop("added_tokens", [])
    processor = data.pop("post_processor", None)
    needed = dict.fromkeys((*named.values(), *_written(processor)))
    extra = [token["content"] for token in added if token["content"] not in needed]
    room = size - len(needed) - SPARE
    others = [*needed, *extra[: max(0, room // 2)]]
    model, pieces = _learnt(data, max(SPARE, size - len(others)))
    tokens = vocabulary.laid(size, fixed, pieces, others)
    by_text = {text: number for number, text in enumerate(tokens)}
    data["model"] = _numbered(model, tokens, named.get("unk_token", ""))
    data["post_processor"] = _readdressed(processor, by_text)
    kept = {token["content"]: token for token in added if token["content"] in by_text}
    data["added_tokens"] = [
        {**_PLAIN, **kept.get(text, {}), "id": by_text[text], "content": text}
        for text in sorted({*kept, *needed}, key=by_text.__getitem__)
    ]
    draft._tokenizer = tokenizers.Tokenizer.from_str(json.dumps(data))
    for name, text in named.items():
        setattr(draft, name, text)
    if processor is None:
        draft.update_post_processor()
    return draft


_PLAIN = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}


def _names(draft: Any) -> Sequence[str]:
    found: Sequence[str] = [name for name in draft.SPECIAL_TOKENS_ATTRIBUTES if name.endswith("_token")]
    return found


def _learnt(data: dict[str, Any], size: int) -> tuple[dict[str, Any], list[str]]:
    """(the model as it is written down, its pieces) after learning at most `size` pieces from the corpus."""
    import tokenizers
    from transformers.tokenization_utils_tokenizers import MODEL_TO_TRAINER_MAPPING

    model = data["model"]
    kind = model["type"]
    empty: dict[str, Any] = {"vocab": [["<unk>", 0.0]], "unk_id": 0} if kind == "Unigram" else {"vocab": {}}
    if kind == "BPE":
        empty["merges"] = []
    blank = {**data, "model": {**model, **empty}, "added_tokens": [], "post_processor": None}
    teacher = tokenizers.Tokenizer.from_str(json.dumps(blank))
    chosen: dict[str, Any] = {"unk_token": "<unk>"} if kind == "Unigram" else {}
    for name in ("continuing_subword_prefix", "end_of_word_suffix"):
        if model.get(name) is not None and kind == "BPE":
            chosen[name] = model[name]
    if kind == "BPE":
        chosen["max_token_length"] = LONGEST  # or a class that splits nothing learns whole sentences
    trainer = MODEL_TO_TRAINER_MAPPING[kind](vocab_size=size, show_progress=False, special_tokens=[], **chosen)
    teacher.train_from_iterator(vocabulary.corpus(), trainer=trainer)
    learnt = json.loads(teacher.to_str())["model"]
    words = learnt["vocab"]
    pieces = [piece for piece, _ in words] if kind == "Unigram" else sorted(words, key=words.__getitem__)
    return {**model, **learnt}, pieces


def _numbered(model: dict[str, Any], tokens: Sequence[str], unknown: str) -> dict[str, Any]:
    """The model with exactly these tokens, each under its number."""
    if model["type"] == "Unigram":
        scores = dict(map(tuple, model["vocab"]))
        worst = min(scores.values(), default=0.0) - 1.0
        found = tokens.index(unknown) if unknown in tokens else None
        return {**model, "vocab": [[text, scores.get(text, worst)] for text in tokens], "unk_id": found}
    known = {text: number for number, text in enumerate(tokens)}
    if "merges" in model:
        kept = [
            list(pair) for pair in map(_pair, model["merges"]) if all(part in known for part in (*pair, "".join(pair)))
        ]
        model = {**model, "merges": kept}
    if model.get("unk_token") is not None or model["type"] != "BPE":
        model = {**model, "unk_token": unknown or model.get("unk_token")}
    return {**model, "vocab": known}


def _pair(merge: Any) -> tuple[str, str]:
    first, second = merge.split(" ") if isinstance(merge, str) else merge
    return first, second


def _written(processor: Any) -> Iterator[str]:
    """The tokens that a post-processor writes around a text."""
    if not processor:
        return
    for part in processor.get("processors", ()):
        yield from _written(part)
    for name in ("sep", "cls"):
        if name in processor:
            yield processor[name][0]
    for token in processor.get("special_tokens", {}).values():
        yield from token["tokens"]


def _readdressed(processor: Any, numbers: Mapping[str, int]) -> Any:
    """The post-processor with these numbers for its tokens."""
    if not processor:
        return processor
    found = dict(processor)
    if "processors" in found:
        found["processors"] = [_readdressed(part, numbers) for part in found["processors"]]
    for name in ("sep", "cls"):
        if name in found:
            found[name] = [found[name][0], numbers[found[name][0]]]
    if "special_tokens" in found:
        found["special_tokens"] = {
            key: {**token, "ids": [numbers[text] for text in token["tokens"]]}
            for key, token in found["special_tokens"].items()
        }
    return found

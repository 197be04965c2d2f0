"""Token ids with real padding, decoder inputs, and what goes with them. Knows field names, never architectures."""

from __future__ import annotations

import re
from typing import Any

from archsweep.archs.inputs.audio import documented_shape, either
from archsweep.archs.inputs.facts import BATCH, SHORTER, TARGET, TEXT, Facts

_PARTING = re.compile(r"(special|delimiter|separator)_(tokens|ids)$")
FIRST = 5  # ids under this are usually special


def vocabulary(facts: Facts, *names: str) -> int:
    """Ids that every embedding of the text accepts: the smallest vocabulary in question."""
    text = facts.text_config
    sizes = [getattr(text, "vocab_size", None), getattr(facts.config, "vocab_size", None)]
    sizes += [facts.find(name) for name in (names or ("src_vocab_size", "text_vocab_size"))]
    whole = [int(size) for size in sizes if isinstance(size, int) and size > 1]
    whole += [
        int(node.vocab_size)
        for path, node in facts.nodes()
        if re.search(r"(^|\.)(text_)?encoder(_config)?$", path) and isinstance(vars(node).get("vocab_size"), int)
    ]
    if not whole and isinstance(elsewhere := facts.find("vocab_size"), int) and elsewhere > 1:
        whole = [elsewhere]
    limit = int(facts.hints.get("vocabulary", 256 if not whole else max(whole)))
    return min([*whole, limit])


def draw_ids(facts: Facts, name: str, length: int, limit: int | None = None) -> Any:
    """Ids (batch, length) that avoid every special token."""
    import torch

    limit = limit or vocabulary(facts)
    special = facts.special_ids()
    allowed = [item for item in range(min(FIRST, limit - 1), limit) if item not in special] or list(range(limit))
    picks = facts.whole(name, 0, len(allowed), BATCH, length)
    return torch.tensor(allowed)[picks]


def in_codebooks(facts: Facts, name: str, ids: Any, limit: int) -> Any:
    """Ids for every codebook, where the documented shape speaks of codebooks: rows times codebooks, or a last axis."""
    import torch

    shape = documented_shape(facts, name)
    stated = facts.hints.get("codebooks") if name == "input_ids" else None
    if not stated and not any("codebook" in word for word in shape):
        return ids
    count = int(stated or facts.find("num_codebooks", "n_codebooks", "num_channels", within=("decoder",)) or 1)
    every = torch.stack([ids, *(draw_ids(facts, f"{name}_{book}", ids.shape[1], limit) for book in range(1, count))], 1)
    return every.flatten(0, 1) if shape and "*" in shape[0] else every.transpose(1, 2).contiguous()


def mask(length: int, shorter: int = SHORTER) -> Any:
    """An attention mask (batch, length) of ones, whose second row is padded at its end."""
    import torch

    made = torch.ones(BATCH, length, dtype=torch.long)
    if length > shorter + 1:
        made[1, length - shorter :] = 0
    return made


def pad_id(facts: Facts) -> int:
    found = getattr(facts.text_config, "pad_token_id", None)
    found = facts.find("pad_token_id") if found is None else found
    return int(found) if isinstance(found, int) and 0 <= found < vocabulary(facts) else 0


def text_inputs(facts: Facts) -> dict[str, Any]:
    """input_ids with attention_mask, and the other inputs of a text."""
    import torch

    made: dict[str, Any] = {}
    if not wants_text(facts):
        return made
    length = int(facts.hints.get("text_length", TEXT))
    ids = draw_ids(facts, "input_ids", length)
    padded = mask(length, facts.shorter)
    if not facts.wants("attention_mask"):
        padded = mask(length, shorter=0)
    else:
        made["attention_mask"] = padded
    ids = ids.masked_fill(padded == 0, pad_id(facts))
    _close_rows(facts, ids, padded)
    if (mark := delimiter(facts)) is not None:
        ids[:, length // 2] = mark
    question = facts.find("question_token_id")
    if isinstance(question, int) and 0 <= question < vocabulary(facts):
        ids[:, 1] = question
    made["input_ids"] = in_codebooks(facts, "input_ids", ids, vocabulary(facts))
    if facts.wants("token_type_ids") and _kinds(facts) > 1:
        types = padded.clone() * 0
        types[:, length // 2 :] = 1
        made["token_type_ids"] = types * padded
        tables = facts.find("type_vocab_sizes")
        if isinstance(tables, list | tuple):
            made["token_type_ids"] = torch.stack([types * padded if size > 1 else types * 0 for size in tables], dim=-1)
    if facts.wants("langs") and (facts.find("n_langs") or 1) > 1:
        made["langs"] = facts.whole("langs", 0, facts.find("n_langs"), BATCH, length)
    if facts.wants("bbox"):
        made["bbox"] = boxes(facts, length)
    if facts.wants("global_attention_mask"):
        chosen = padded.clone() * 0
        chosen[:, 0] = 1
        made["global_attention_mask"] = chosen
    return made


def delimiter(facts: Facts) -> int | None:
    """A token between two phrases, where an instance keeps a list of those that part its text: without one, no word
    attends to another. The answer is kept as a hint."""
    if facts.model is not None and "delimiter" not in facts.hints:
        for name, held in facts.model.named_buffers():
            if _PARTING.search(name) and held.ndim == 1 and not held.is_floating_point():
                known = [item for item in held.tolist() if 0 < item < vocabulary(facts)]
                facts.hints.update({"delimiter": known[-1]} if known else {})
    found = facts.hints.get("delimiter")
    return None if found is None else int(found)


def _kinds(facts: Facts) -> int:
    """Rows of the table of token types; two where no configuration states them."""
    stated = facts.find("type_vocab_size")
    return stated if isinstance(stated, int) else 2


def _close_rows(facts: Facts, ids: Any, padded: Any) -> None:
    """One end-of-sequence id as each row's last real token, where the configuration names one."""
    end = facts.find("eos_token_id")
    end = end[0] if isinstance(end, list | tuple) and end else end
    if not isinstance(end, int) or not 0 <= end < vocabulary(facts) or end in _closing(facts):
        return
    for row in range(ids.shape[0]):
        ids[row, int(padded[row].sum()) - 1] = end


def _closing(facts: Facts) -> set[Any]:
    """Ids that close something within the text, e.g. an image."""
    return {
        value
        for _, node in facts.nodes()
        for name, value in vars(node).items()
        if re.search(r"(image|video|audio|vision|speech)_end_token|^eo[iav]_token", name)
    }


def wants_text(facts: Facts) -> bool:
    """Whether the class is to be fed token ids."""
    if not facts.wants("input_ids"):
        return False
    if either(facts):
        return False
    declared = getattr(facts.kind, "input_modalities", ("text",)) or ()
    declared = (declared,) if isinstance(declared, str) else tuple(declared)
    return (
        bool(facts.hints.get("all"))
        or "input_ids" in facts.hints.get("also", ())
        or facts.main_input == "input_ids"
        or facts.required("input_ids")
        or "text" in declared
        or not declared
    )


def decoder_inputs(facts: Facts) -> dict[str, Any]:
    """decoder_input_ids and their mask, for every class that takes them."""
    import torch

    made: dict[str, Any] = {}
    for name, masked in (("decoder_input_ids", "decoder_attention_mask"),):
        if not facts.wants(name) or facts.find("use_decoder_only_language_model"):
            continue
        length = int(facts.hints.get("target_length", TARGET))
        if facts.mapped("SEQUENCE_CLASSIFICATION"):  # the text itself, read at the encoder's end of sequence
            length = int(facts.hints.get("text_length", TEXT))
        limit = decoder_vocabulary(facts)
        ids = draw_ids(facts, name, length, limit)
        start = facts.find("decoder_start_token_id", within=("decoder", "text"))
        if isinstance(start, int) and 0 <= start < limit:
            ids[:, 0] = start
        made[name] = in_codebooks(facts, name, ids, limit)
        if facts.wants(masked):
            made[masked] = mask(length, facts.shorter - 2)
            if any("+" in word for word in documented_shape(facts, masked)):  # the text that it reads stands before it
                made[masked] = torch.cat(
                    [mask(int(facts.hints.get("text_length", TEXT)), facts.shorter), made[masked]], dim=1
                )
    return made


def decoder_vocabulary(facts: Facts) -> int:
    decoder = getattr(facts.config, "decoder", None) or getattr(facts.config, "decoder_config", None)
    for node, name in ((facts.config, "decoder_vocab_size"), (decoder, "vocab_size"), (facts.config, "tgt_vocab_size")):
        size = getattr(node, name, None) if node is not None else None
        if isinstance(size, int) and size > 1:
            return size
    return vocabulary(facts)


def boxes(facts: Facts, length: int) -> Any:
    """Boxes (batch, length, 4) as x0, y0, x1, y1 with x0 <= x1 and y0 <= y1, under 1000 or the stated table."""
    import torch

    limit = min(1000, int(facts.find("max_2d_position_embeddings") or 1000)) - 1
    corners = facts.whole("bbox", 0, limit, BATCH, length, 2, 2)
    low, high = corners.min(dim=2).values, corners.max(dim=2).values
    return torch.cat([low, high], dim=-1)

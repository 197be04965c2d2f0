"""Everything that a pipeline of a model type wants beside its model: which classes, and one of each, built offline."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from archsweep.archs.inputs.facts import configurations
from archsweep.archs.raw import image, material, settling, sizing, sound, tokenizer, vocabulary
from archsweep.errors import Inapplicable

VISION, HEARING = ("vision", "image", "visual"), ("audio", "speech", "encoder")  # in the names of parts
LONG = 512  # tokens of a text, where no configuration says
COUNTS = ("image_seq_length", "image_seq_len")  # parameters: placeholders of one image
_MARKED = re.compile(r"<[^<>\s]+>|\|[A-Z_]+\|")
_TOKENS = re.compile(r"tokenizer(?:\.|, \")((?!add_)\w+_token)\b")
IMAGE, PLACEHOLDER = "image_token", "placeholder_token"
STANDING = ("image_token", "video_token", "audio_token")
BACKENDS = ("torchvision", "pil")  # the first that an image or video processor comes with
SEEING = ("image_processor", "video_processor")
KINDS = ("tokenizer", "image_processor", "video_processor", "feature_extractor", "processor")


@dataclass(kw_only=True)
class Components:
    """Builds what is asked for, each once. `shapes`: of the inputs that the model is known to take."""

    model: Any
    model_type: str
    shapes: Mapping[str, Sequence[int]]
    places: int = 0  # placeholders of one image, as the model is known to take them
    _made: dict[str, Any] = field(default_factory=dict)
    _text: str = ""  # what a text has where an image belongs

    @classmethod
    def like(cls, model: Any, model_type: str, inputs: Mapping[str, Any]) -> Components:
        """Components that make inputs of the sizes of `inputs`, which the model is known to take."""
        shapes = {name: tuple(value.shape) for name, value in inputs.items() if hasattr(value, "shape")}
        ids = inputs.get("input_ids")
        number = vocabulary.stated([model.config], 1 << 30).get("image_token")
        places = int((ids[0] == number).sum()) if ids is not None and number is not None else 0
        return cls(model=model, model_type=model_type, shapes=shapes, places=places)

    def get(self, name: str, *, needed: bool = True) -> Any:
        """The tokenizer, image_processor, video_processor, feature_extractor or processor; None where the model type
        has none. A tokenizer that is `needed` is there for every type. Raises what the classes raise."""
        if name not in self._made:
            kind = kind_of(name, self.model_type, needed=needed)
            self._made[name] = None if kind is None else self._built(name, kind)
        return self._made[name]

    def image_text(self) -> str:
        """What a text has where an image belongs; empty where the processor writes that itself."""
        self.get("processor")
        return self._text

    def facts_of_images(self, parts: Iterable[str]) -> dict[str, int]:
        """How many channels raw images have, and how many frames a video; `frames_alone` for what sees only videos."""
        config = self.model.config
        found = {"channels": getattr(config, "num_channels", 3), "frames": getattr(config, "num_frames", 4)}
        sees = not set(SEEING).isdisjoint(parts)
        return {
            **found,
            "frames_alone": sees and "image_processor" not in parts,
            "heard_alone": not sees and "feature_extractor" in parts,
        }

    def standing(self) -> tuple[int, ...]:
        """The tokens that stand for an image, a video or a sound."""
        return tuple(number for name, number in self._numbers().items() if name in STANDING)

    def _built(self, name: str, kind: Any, texts: Mapping[str, str] | None = None, *, named: bool = True) -> Any:
        if name.endswith("tokenizer"):
            numbers, texts = self._numbers(), texts or {}
            if not named:
                numbers, texts = _unnamed(numbers), _unnamed(texts)
            if PLACEHOLDER in texts and IMAGE in numbers:  # the model's number is that of another text
                texts = {IMAGE: "<image>", **texts}
                numbers = {**numbers, PLACEHOLDER: numbers[IMAGE]}
                del numbers[IMAGE]
            made = tokenizer.built(kind, self._size(), numbers, texts)
            made.model_max_length = min(made.model_max_length, self._longest())
            made.model_input_names = [item for item in made.model_input_names if item in self._taken()]
            if type(made) is kind_of("tokenizer", "") and self.model.config.is_encoder_decoder:  # as encoders end texts
                made.add_eos_token = made.eos_token is not None
            return made
        if name == "feature_extractor" and not hasattr(kind, "valid_kwargs"):
            return sound.built(kind, self._parts(HEARING), self.shapes)
        if name == "processor":
            return self._fitting(kind)
        made = image.built(kind, self._parts(VISION), self.shapes, self.model.modules())
        alone = name == "image_processor" and "input_ids" not in self.shapes
        return sizing.fitting(made, self.model, self.shapes) if alone else made

    def _fitting(self, kind: Any) -> Any:
        """A processor of its parts that writes for an image what the model looks for."""
        parts = self._parts_of(kind)
        if self.places and "image_processor.image_seq_length" in inspect.getsource(kind):
            parts["image_processor"].image_seq_length = self.places
        options = dict(self._options(kind))
        build = functools.partial(self._composed, kind, parts, options)
        made = build()
        own = getattr(made, "image_token", None)
        if own is None and "image_token" in _read_off(kind):
            own = made.tokenizer.image_token
        found = settling.Made(processor=made, text=str(own or ""))
        if "tokenizer" in parts and not parts.keys().isdisjoint(SEEING) and self.model.can_generate():
            pictures = material.pictures(0, self.facts_of_images(parts))
            found = settling.settled(found, self.model, build, self.places, pictures)
        self._text = found.text
        if "tokenizer" in parts:
            self._made["tokenizer"] = found.processor.tokenizer
        return found.processor

    def _parts_of(self, kind: Any) -> dict[str, Any]:
        """The parts that a processor is made of. Raises Inapplicable where the model type lacks one."""
        parts = {}
        for name in kind.get_attributes():
            which = next((item for item in KINDS if name.endswith(item)), "tokenizer")
            if which == "tokenizer" and which not in self._made:
                self._made[which] = self._built(which, kind_of(which, self.model_type), _read_off(kind))
            parts[name] = self.get(which)
            if parts[name] is None:
                raise Inapplicable(f"{kind.__name__} wants a {name}, and the model type has none")
        return parts

    def _composed(
        self, kind: Any, parts: Mapping[str, Any], options: Mapping[str, Any], *, placeholder: str = "",
        other: Mapping[str, Any] = MappingProxyType({}), named: bool = True,
    ) -> Any:  # fmt: skip
        """A processor of its parts, whose tokenizer knows what the processor writes for its placeholders.

        `placeholder`: the text of the model's token for an image, where it is not the one so named; `other`: options
        instead of those that a configuration states; `named`: whether the tokenizer has tokens of other inputs under
        their names, for some processors bring their own only where it has none.
        """
        options = {**options, **other}
        made = kind(**parts, **options)
        if "tokenizer" not in parts:
            return made
        read = _read_off(kind)
        other_names = {name: {text for other, text in read.items() if other != name} for name in vars(made)}
        written = {
            name: str(value)
            for name, value in vars(made).items()
            if name.endswith("_token") and type(value) is str and value not in other_names[name]
        }
        known, numbers = parts["tokenizer"].get_vocab(), self._numbers()
        placed = all(text in known and known[text] == numbers.get(name, known[text]) for name, text in written.items())
        if placed and not placeholder and named:
            return made
        texts = {**read, **written, **({PLACEHOLDER: placeholder} if placeholder else {})}
        again = self._built("tokenizer", type(parts["tokenizer"]), texts, named=named)
        return kind(**{**parts, "tokenizer": again}, **options)

    def _options(self, kind: Any) -> Iterator[tuple[str, Any]]:
        """What a configuration states under the name of one of the class's parameters."""
        configs = [*self._parts(VISION), *self._speaking()]
        for name, item in inspect.signature(kind.__init__).parameters.items():
            if name in kind.get_attributes() or item.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
                continue
            value = _field(configs, name)
            if name == "num_additional_image_tokens" and self.places and self._selects():
                value = self._additional(configs)
            if name == "num_image_tokens" and value is None and self.places:
                value = self._patches(configs)
            if value is None and name in COUNTS and self.places:
                value = self.places
            if isinstance(value, int | float | str):
                yield name, value

    def _selects(self) -> bool:
        """Whether the model says which of an image's features it takes."""
        return hasattr(self.model.config, "vision_feature_select_strategy")

    def _additional(self, configs: Sequence[Any]) -> int:
        """Placeholders of an image that stand for no patch, and those that the model will take away again."""
        strategy = getattr(self.model.config, "vision_feature_select_strategy", "")
        taken: int = self.places + (strategy == "default") - self._patches(configs)
        return taken

    def _patches(self, configs: Sequence[Any]) -> int:
        """Patches of an image."""
        height, width = image.side(configs, self.shapes)
        patch: int = next(found for config in configs if type(found := getattr(config, "patch_size", None)) is int)
        return (height // patch) * (width // patch)

    def _taken(self) -> Container[str]:
        """The names of the inputs that the model takes."""
        parameters = inspect.signature(type(self.model).forward).parameters
        return {"input_ids", "attention_mask", *parameters}

    def _longest(self) -> int:
        """How many tokens a text may have, as far as a configuration says."""
        stated = (getattr(config, "max_position_embeddings", None) for config in self._speaking())
        return min((found for found in stated if type(found) is int and found > 0), default=LONG)

    def _size(self) -> int:
        """How many tokens the model knows."""
        inner = [value for value in vars(self.model.config).values() if hasattr(value, "to_dict")]
        for config in (*self._speaking(), *inner):
            size = getattr(config, "vocab_size", None)
            if isinstance(size, int) and size > 1:
                return size
        try:
            weight = getattr(self.model.get_input_embeddings(), "weight", None)
            rows: list[int] = [LONG] if weight is None else list(weight.shape)  # patches stand in no table
        except NotImplementedError:  # a class that looks up no numbers: it takes those of all characters
            return sys.maxunicode + 1
        return rows[0]

    def _numbers(self) -> dict[str, int]:
        """The numbers of tokens that the configuration states; in parts that are no text, those of other inputs."""
        size = self._size()
        found = vocabulary.stated(self._speaking(), size)
        further = vocabulary.stated((part for _, part in configurations(self.model.config)), size)
        return {**{name: number for name, number in further.items() if name not in vocabulary.NAMED}, **found}

    def _speaking(self) -> list[Any]:
        """The model's own configuration, and that of its text."""
        config = self.model.config
        found = [config, config.get_text_config(decoder=True), config.get_text_config(encoder=True)]
        return list({id(item): item for item in found}.values())

    def _parts(self, words: Sequence[str]) -> list[Any]:
        """Parts of the configuration whose names have one of these words, then the configuration itself."""
        config = self.model.config
        inner = [
            value
            for name, value in vars(config).items()
            if hasattr(value, "to_dict") and any(word in name for word in words)
        ]
        return [*inner, config]


def _field(configs: Sequence[Any], name: str) -> Any:
    """What the first of these configurations states under a name, or in one of its tables, or under a longer name that
    ends so."""
    found = [getattr(config, name, None) for config in configs]
    found += [table.get(name) for config in configs for table in vars(config).values() if isinstance(table, Mapping)]
    found += [value for config in configs for field, value in vars(config).items() if field.endswith(f"_{name}")]
    return next((value for value in found if value is not None), None)


def _read_off(kind: Any) -> dict[str, str]:
    """The special tokens that a processor's code reads off its tokenizer, by name, and those that it spells out."""
    source = inspect.getsource(kind)
    named = {name: f"<{name.removesuffix('_token')}>" for name in sorted({*_TOKENS.findall(source)})}
    spelt = sorted(set(_spelt(source)) - {*named.values()})
    return {**named, **{f"spelt_{number}_token": text for number, text in enumerate(spelt)}}


def _unnamed(tokens: Mapping[str, Any]) -> dict[str, Any]:
    """Tokens under names that no processor asks for, but for those that every tokenizer has."""
    return {name if name in vocabulary.NAMED else f"unnamed_{name}": value for name, value in tokens.items()}


def _spelt(source: str) -> Iterator[str]:
    """Texts in angle brackets, or between bars, that stand in a class's code, and not in what is told of it."""
    tree = ast.parse(textwrap.dedent(source))
    told = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            yield from _MARKED.findall(node.value)


def kind_of(name: str, model_type: str, *, needed: bool = True) -> Any:
    """The class that transformers' own mappings give a model type, or a kin of it; where they give none, and it is
    `needed`, a tokenizer of pairs of bytes.

    None where there is none. Raises ImportError for one whose packages are missing.
    """
    from transformers import TokenizersBackend
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    named, find = _mapping(name)
    for kin in _kin(model_type, PROCESSOR_MAPPING_NAMES):
        stated = named.get(kin)
        if isinstance(stated, Mapping):  # by what the processor computes with
            stated = next((stated[backend] for backend in BACKENDS if stated.get(backend)), None)
        if stated:
            return find(stated)
    return TokenizersBackend if name == "tokenizer" and needed else None


def borrowed(name: str, model_type: str) -> bool:
    """Whether transformers' mappings give such a class to a kin of a model type, and not to itself."""
    return not _mapping(name)[0].get(model_type)


def _mapping(name: str) -> tuple[Mapping[str, Any], Callable[[str], Any]]:
    """(names of classes by model type, how to find a class by its name) for one kind of component."""
    from transformers.models.auto import (
        feature_extraction_auto,
        image_processing_auto,
        processing_auto,
        tokenization_auto,
        video_processing_auto,
    )

    return {
        "tokenizer": (tokenization_auto.TOKENIZER_MAPPING_NAMES, tokenization_auto.tokenizer_class_from_name),
        "image_processor": (
            image_processing_auto.IMAGE_PROCESSOR_MAPPING_NAMES,
            image_processing_auto.get_image_processor_class_from_name,
        ),
        "video_processor": (
            video_processing_auto.VIDEO_PROCESSOR_MAPPING_NAMES,
            video_processing_auto.video_processor_class_from_name,
        ),
        "feature_extractor": (
            feature_extraction_auto.FEATURE_EXTRACTOR_MAPPING_NAMES,
            feature_extraction_auto.feature_extractor_class_from_name,
        ),
        "processor": (processing_auto.PROCESSOR_MAPPING_NAMES, processing_auto.processor_class_from_name),
    }[name]


def _kin(model_type: str, processors: Mapping[str, Any]) -> Iterator[str]:
    """A model type, those of its folder, and those that share a processor with it: checkpoints come with the same."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES, model_type_to_module_name

    yield model_type
    folder = model_type_to_module_name(model_type)
    near = [kin for kin in CONFIG_MAPPING_NAMES if kin != model_type and model_type_to_module_name(kin) == folder]
    yield from near
    own = next((processors[kin] for kin in (model_type, *near) if processors.get(kin)), None)
    if own is not None:
        yield from (kin for kin, stated in processors.items() if stated == own and kin not in (model_type, *near))

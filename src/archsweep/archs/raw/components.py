"""Everything that a pipeline of a model type wants beside its model: which classes, and one of each, built offline."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archsweep.archs.raw import image, sound, tokenizer, vocabulary
from archsweep.errors import Inapplicable

VISION, HEARING = ("vision", "image", "visual"), ("audio", "speech", "encoder")  # in the names of parts
LONG = 512  # tokens of a text, where no configuration says
COUNTS = ("image_seq_length", "image_seq_len")  # parameters: placeholders of one image
_TOKENS = re.compile(r"tokenizer\.((?!add_)\w+_token)\b")
BACKENDS = ("torchvision", "pil")  # the first that an image or video processor comes with
KINDS = ("tokenizer", "image_processor", "video_processor", "feature_extractor", "processor")


@dataclass(kw_only=True)
class Components:
    """Builds what is asked for, each once. `shapes`: of the inputs that the model is known to take."""

    model: Any
    model_type: str
    shapes: Mapping[str, Sequence[int]]
    places: int = 0  # placeholders of one image, as the model is known to take them
    _made: dict[str, Any] = field(default_factory=dict)

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
        made = self.get("processor")
        own = getattr(made, "image_token", None)
        if own is None and "image_token" in _read_off(type(made)):
            own = made.tokenizer.image_token
        return str(own or "")

    def _built(self, name: str, kind: Any, texts: Mapping[str, str] | None = None) -> Any:
        if name.endswith("tokenizer"):
            size = self._size()
            made = tokenizer.built(kind, size, vocabulary.stated(self._speaking(), size), texts or {})
            made.model_max_length = min(made.model_max_length, self._longest())
            return made
        if name == "feature_extractor" and not hasattr(kind, "valid_kwargs"):
            return sound.built(kind, self._parts(HEARING), self.shapes)
        if name == "processor":
            return self._composed(kind)
        return image.built(kind, self._parts(VISION), self.shapes)

    def _composed(self, kind: Any) -> Any:
        """A processor of its parts, whose tokenizer knows what the processor writes for its placeholders."""
        parts = {}
        for name in kind.get_attributes():
            which = next((item for item in KINDS if name.endswith(item)), "tokenizer")
            if which == "tokenizer" and which not in self._made:
                self._made[which] = self._built(which, kind_of(which, self.model_type), _read_off(kind))
            parts[name] = self.get(which)
            if parts[name] is None:
                raise Inapplicable(f"{kind.__name__} wants a {name}, and the model type has none")
        if self.places and "image_processor.image_seq_length" in inspect.getsource(kind):
            parts["image_processor"].image_seq_length = self.places
        options = dict(self._options(kind))
        made = kind(**parts, **options)
        if "tokenizer" not in parts:
            return made
        texts = {
            name: str(value) for name, value in vars(made).items() if name.endswith("_token") and type(value) is str
        }
        known, numbers = parts["tokenizer"].get_vocab(), vocabulary.stated(self._speaking(), self._size())
        if all(text in known and known[text] == numbers.get(name, known[text]) for name, text in texts.items()):
            return made
        again = self._built("tokenizer", type(parts["tokenizer"]), {**_read_off(kind), **texts})
        self._made["tokenizer"] = again
        return kind(**{**parts, "tokenizer": again}, **options)

    def _options(self, kind: Any) -> Iterator[tuple[str, Any]]:
        """What a configuration states under the name of one of the class's parameters."""
        configs = [*self._parts(VISION), *self._speaking()]
        for name, item in inspect.signature(kind.__init__).parameters.items():
            if name in kind.get_attributes() or item.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
                continue
            value = next((found for config in configs if (found := getattr(config, name, None)) is not None), None)
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

    def _longest(self) -> int:
        """How many tokens a text may have, as far as a configuration says."""
        stated = (getattr(config, "max_position_embeddings", None) for config in self._speaking())
        return min((found for found in stated if type(found) is int), default=LONG)

    def _size(self) -> int:
        """How many tokens the model knows."""
        inner = [value for value in vars(self.model.config).values() if hasattr(value, "to_dict")]
        for config in (*self._speaking(), *inner):
            size = getattr(config, "vocab_size", None)
            if isinstance(size, int) and size > 1:
                return size
        try:
            rows: list[int] = list(self.model.get_input_embeddings().weight.shape)
        except NotImplementedError:  # a class that looks up no numbers: it takes those of all characters
            return sys.maxunicode + 1
        return rows[0]

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


def _read_off(kind: Any) -> dict[str, str]:
    """The special tokens that a processor's code reads off its tokenizer, by name."""
    names = sorted({*_TOKENS.findall(inspect.getsource(kind))} - {*vocabulary.NAMED})
    return {name: f"<{name.removesuffix('_token')}>" for name in names}


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

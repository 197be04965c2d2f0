"""Everything that a pipeline of a model type wants beside its model: which classes, and one of each, built offline."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archsweep.archs.raw import image, sound, tokenizer, vocabulary
from archsweep.errors import Inapplicable

VISION, HEARING = ("vision", "image", "visual"), ("audio", "speech", "encoder")  # in the names of parts
COUNTS = ("image_seq_length", "image_seq_len", "num_image_tokens")  # parameters: placeholders of one image
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

    def _built(self, name: str, kind: Any, texts: Mapping[str, str] | None = None) -> Any:
        if name.endswith("tokenizer"):
            size = self._size()
            return tokenizer.built(kind, size, vocabulary.stated(self._speaking(), size), texts or {})
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
            parts[name] = self.get(which)
            if parts[name] is None:
                raise Inapplicable(f"{kind.__name__} wants a {name}, and the model type has none")
        options = dict(self._options(kind))
        made = kind(**parts, **options)
        texts = {
            name: str(value) for name, value in vars(made).items() if name.endswith("_token") and isinstance(value, str)
        }
        known = set(parts["tokenizer"].get_vocab()) if "tokenizer" in parts else set()
        if any(text not in known for text in texts.values()):
            again = self._built("tokenizer", type(parts["tokenizer"]), texts)
            self._made["tokenizer"] = again
            made = kind(**{**parts, "tokenizer": again}, **options)
        return made

    def _options(self, kind: Any) -> Iterator[tuple[str, Any]]:
        """What a configuration states under the name of one of the class's parameters."""
        configs = [*self._parts(VISION), *self._speaking()]
        for name, item in inspect.signature(kind.__init__).parameters.items():
            if name in kind.get_attributes() or item.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
                continue
            value = next((found for config in configs if (found := getattr(config, name, None)) is not None), None)
            if name == "num_additional_image_tokens" and self.places:
                value = self._additional(configs)
            if value is None and name in COUNTS and self.places:
                value = self.places
            if isinstance(value, int | float | str):
                yield name, value

    def _additional(self, configs: Sequence[Any]) -> int:
        """Placeholders of an image that stand for no patch, and those that the model will take away again."""
        height, width = image.side(configs, self.shapes)
        patch = next(found for config in configs if (found := getattr(config, "patch_size", None)))
        strategy = getattr(self.model.config, "vision_feature_select_strategy", "")
        taken: int = self.places + (strategy == "default") - (height // patch) * (width // patch)
        return taken

    def _size(self) -> int:
        """How many tokens the model knows."""
        inner = [value for value in vars(self.model.config).values() if hasattr(value, "to_dict")]
        for config in (*self._speaking(), *inner):
            size = getattr(config, "vocab_size", None)
            if isinstance(size, int) and size > 1:
                return size
        rows: list[int] = list(self.model.get_input_embeddings().weight.shape)
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


def kind_of(name: str, model_type: str, *, needed: bool = True) -> Any:
    """The class that transformers' own mappings give a model type; where they give none, and it is `needed`, a
    tokenizer of pairs of bytes.

    None where there is none. Raises ImportError for one whose packages are missing.
    """
    from transformers import TokenizersBackend
    from transformers.models.auto import (
        feature_extraction_auto,
        image_processing_auto,
        processing_auto,
        tokenization_auto,
        video_processing_auto,
    )

    if name == "tokenizer":
        stated = tokenization_auto.TOKENIZER_MAPPING_NAMES.get(model_type)
        plain = TokenizersBackend if needed else None
        return plain if stated is None else tokenization_auto.tokenizer_class_from_name(stated)
    if name == "image_processor":
        kinds = image_processing_auto.IMAGE_PROCESSOR_MAPPING_NAMES.get(model_type) or {}
        stated = next((kinds[backend] for backend in ("torchvision", "pil") if kinds.get(backend)), None)
        return stated and image_processing_auto.get_image_processor_class_from_name(stated)
    if name == "video_processor":
        kinds = video_processing_auto.VIDEO_PROCESSOR_MAPPING_NAMES.get(model_type) or {}
        stated = kinds if isinstance(kinds, str) else next(iter(kinds.values()), None)
        return stated and video_processing_auto.video_processor_class_from_name(stated)
    if name == "feature_extractor":
        stated = feature_extraction_auto.FEATURE_EXTRACTOR_MAPPING_NAMES.get(model_type)
        return stated and feature_extraction_auto.feature_extractor_class_from_name(stated)
    stated = processing_auto.PROCESSOR_MAPPING_NAMES.get(model_type)
    return stated and processing_auto.processor_class_from_name(stated)

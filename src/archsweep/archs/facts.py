"""What was read off transformers about types and classes: plain JSON values, so that it crosses processes.

The rules of `taxonomy`, `tasks` and `roadmap` read nothing but these. Knows neither torch nor transformers.
"""

from __future__ import annotations

from dataclasses import dataclass

BASE = "MODEL"  # the mapping whose keys are the base types; the others are named like "CAUSAL_LM"


@dataclass(frozen=True, kw_only=True)
class ClassFacts:
    """One class under one model type."""

    name: str
    module: str
    mappings: tuple[str, ...] = ()  # short names: MODEL_FOR_CAUSAL_LM_MAPPING_NAMES is CAUSAL_LM
    is_base: bool = False
    parameters: tuple[str, ...] = ()  # of forward, in order, without self; empty if the class has no forward of its own
    outputs: tuple[str, ...] = ()  # fields of the dataclasses that forward returns
    modalities: tuple[str, ...] | None = None  # declared by a class of its own family; None: nobody declares
    own_modalities: bool = False  # declared by this very class
    produces: tuple[str, ...] = ()  # output_modalities
    main_input: str = ""
    generates: bool = False
    methods: tuple[str, ...] = ()  # those of `PROBED_METHODS` that it has
    fault: str = ""  # why it could not be imported or read


@dataclass(frozen=True, kw_only=True)
class TypeFacts:
    """One model type: its configuration, where it lives, and its classes."""

    model_type: str
    family: str
    folder: str  # the module that holds the type's code, as a dotted name
    outside: bool = False  # registered by an imported module or an entry point
    config: str = ""  # "module:ClassName"; empty if there is none
    config_type: str = ""  # the configuration's own model_type, which may be another one
    config_bases: tuple[str, ...] = ()  # names of the configurations it derives from
    config_fields: tuple[str, ...] = ()
    config_key: str = ""  # base_config_key: under which field a parent keeps it
    parts: tuple[tuple[str, str], ...] = ()  # field and model type of each sub-configuration
    is_encoder_decoder: bool = False
    checkpoint: str | None = None
    processors: tuple[str, ...] = ()  # kinds with an auto mapping entry: tokenizer, image_processor ...
    proteins: bool = False  # its folder speaks of proteins or amino acids in earnest
    classes: tuple[ClassFacts, ...] = ()
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class LibraryFacts:
    """Everything, and which auto mappings each pipeline task draws on."""

    version: str
    types: tuple[TypeFacts, ...]
    tasks: tuple[tuple[str, tuple[str, ...]], ...] = ()  # task, short names of mappings
    popular: tuple[str, ...] = ()  # checkpoints that pipelines use by default


PROBED_METHODS = (
    "get_text_features",
    "get_image_features",
    "get_video_features",
    "get_audio_features",
    "encode",
    "decode",
    "get_decoder",
)

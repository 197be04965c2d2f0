"""Lets torchvision's Python part import where its compiled operators cannot load (its CUDA wheel beside a CPU torch).

Only schemas are declared, so the operators stay uncallable; where torchvision loads, or is absent, nothing is touched.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import sys

_REGIONS = "Tensor input, Tensor rois, float spatial_scale, SymInt pooled_height, SymInt pooled_width"
_GRADIENT = "float spatial_scale, SymInt pooled_height, SymInt pooled_width"
_MAPPED = "Tensor grad, Tensor rois, Tensor channel_mapping"
_SHAPE = "SymInt batch_size, SymInt channels, SymInt height, SymInt width"
_SCALES = "float input_scale, int input_zero_point, float rois_scale, int rois_zero_point"
_DEFORMATION = (
    "Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, SymInt stride_h, SymInt stride_w, "
    "SymInt pad_h, SymInt pad_w, SymInt dilation_h, SymInt dilation_w, SymInt groups, SymInt offset_groups, "
    "bool use_mask"
)
# Source: the TORCH_LIBRARY_FRAGMENT declarations in torchvision/csrc/ops/*.cpp.
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "box_iou_rotated(Tensor boxes1, Tensor boxes2) -> Tensor",
    f"roi_align({_REGIONS}, int sampling_ratio, bool aligned) -> Tensor",
    f"_roi_align_backward(Tensor grad, Tensor rois, {_GRADIENT}, {_SHAPE}, int sampling_ratio, bool aligned) -> Tensor",
    f"qroi_align(Tensor input, Tensor rois, {_SCALES}, {_GRADIENT}, int sampling_ratio, bool aligned) -> Tensor",
    f"roi_pool({_REGIONS}) -> (Tensor, Tensor)",
    f"_roi_pool_backward(Tensor grad, Tensor rois, Tensor argmax, {_GRADIENT}, {_SHAPE}) -> Tensor",
    f"ps_roi_align({_REGIONS}, int sampling_ratio) -> (Tensor, Tensor)",
    f"_ps_roi_align_backward({_MAPPED}, {_GRADIENT}, int sampling_ratio, {_SHAPE}) -> Tensor",
    f"ps_roi_pool({_REGIONS}) -> (Tensor, Tensor)",
    f"_ps_roi_pool_backward({_MAPPED}, {_GRADIENT}, {_SHAPE}) -> Tensor",
    f"deform_conv2d({_DEFORMATION}) -> Tensor",
    f"_deform_conv2d_backward(Tensor grad, {_DEFORMATION}) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
)
_libraries: list[object] = []  # torch.library.Library undeclares its operators when it is collected


@functools.cache
def prepare() -> str | None:
    """Make torchvision importable, once a process and before transformers is imported.

    Returns a note for the fingerprint if the bridge was needed; None if torchvision loads by itself or is absent.
    """
    if importlib.util.find_spec("torchvision") is None:
        return None
    try:
        importlib.import_module("torchvision")
        return None
    except (RuntimeError, ImportError, OSError) as error:
        if "torchvision::" not in str(error):  # broken for another reason: whoever needs it will say which
            return None
    _forget()
    _declare()
    importlib.import_module("torchvision")
    version = importlib.metadata.version("torchvision")
    return f"torchvision {version} bridged: operator schemas only, its compiled operators do not load"


def names() -> tuple[str, ...]:
    """The operators that are declared."""
    return tuple(schema.partition("(")[0] for schema in SCHEMAS)


def _forget() -> None:
    """Drop what the failed import left behind."""
    for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
        del sys.modules[name]


def _declare() -> None:
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in SCHEMAS:
        if not hasattr(torch.ops.torchvision, schema.partition("(")[0]):
            library.define(schema)
    _libraries.append(library)

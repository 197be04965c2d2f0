"""Raw texts, images and sound for each task of a pipeline, in draws that differ in one part at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from archsweep.archs.raw import vocabulary

TALL, WIDE = 40, 48  # of raw images, in pixels
SECONDS = 1.0
SHORT = 24  # letters of a raw text, about
LABELS = (["man", "soup"], ["fox", "train"])
TEXT, IMAGE, SOUND, LABEL, VIDEO = "text", "image", "sound", "labels", "video"

# What each task is called with; a task that is not here is one that is not known yet.
PARTS: Mapping[str, tuple[str, ...]] = {
    "any-to-any": (IMAGE, TEXT),
    "audio-classification": (SOUND,),
    "automatic-speech-recognition": (SOUND,),
    "depth-estimation": (IMAGE,),
    "document-question-answering": (IMAGE, TEXT),
    "feature-extraction": (TEXT,),
    "fill-mask": (TEXT,),
    "image-classification": (IMAGE,),
    "image-feature-extraction": (IMAGE,),
    "image-segmentation": (IMAGE,),
    "image-text-to-text": (IMAGE, TEXT),
    "keypoint-matching": (IMAGE,),
    "mask-generation": (IMAGE,),
    "object-detection": (IMAGE,),
    "table-question-answering": (TEXT,),
    "text-classification": (TEXT,),
    "text-generation": (TEXT,),
    "text-to-audio": (TEXT,),
    "token-classification": (TEXT,),
    "video-classification": (VIDEO,),
    "zero-shot-audio-classification": (SOUND, LABEL),
    "zero-shot-classification": (TEXT, LABEL),
    "zero-shot-image-classification": (IMAGE, LABEL),
    "zero-shot-object-detection": (IMAGE, LABEL),
}
# All answers are asked for, though a model of random weights is sure of none.
ASKED: Mapping[str, Mapping[str, Any]] = {
    "mask-generation": {"pred_iou_thresh": -1e9, "stability_score_thresh": -1e9, "points_per_crop": 2},
    "object-detection": {"threshold": 0.0},
    "image-segmentation": {"threshold": 0.0, "mask_threshold": 0.0, "overlap_mask_area_threshold": 0.0},
    "zero-shot-object-detection": {"threshold": 0.0},
}
# What is asked besides where that is answered with nothing: weights drawn at random may take all for background.
BESIDES: Mapping[str, Mapping[str, Any]] = {"image-segmentation": {"subtask": "semantic"}}


def text(draw: int) -> str:
    """A few words of the corpus."""
    words = vocabulary.CORPUS[draw % len(vocabulary.CORPUS)].split()
    chosen = ""
    for word in words:
        if len(chosen) + len(word) > SHORT:
            break
        chosen = f"{chosen} {word}".strip()
    return chosen


def image(draw: int, channels: int = 3) -> Any:
    """A picture with two ramps and noise, not square."""
    import numpy
    from PIL import Image

    noise = numpy.random.default_rng(draw).integers(0, 255, (TALL, WIDE, 3), dtype=numpy.uint8)
    noise[..., draw % 2] = numpy.linspace(0, 255, WIDE, dtype=numpy.uint8)[None]
    found = Image.fromarray(noise)
    return found.convert("L") if channels == 1 else found


def pictures(draw: int, facts: Mapping[str, Any]) -> Any:
    """An image, or the frames of a short video for processors of videos alone."""
    if not facts.get("frames_alone"):
        return image(draw, facts.get("channels", 3))
    return [image(draw + 2 * number, facts.get("channels", 3)) for number in range(facts["frames"])]


def sound(draw: int, rate: int) -> Any:
    """A second of a chord and noise, (samples,) float32."""
    import numpy

    time = numpy.arange(int(SECONDS * rate)) / rate
    noise = numpy.random.default_rng(draw).standard_normal(len(time))
    wave = 0.3 * numpy.sin(2 * numpy.pi * (220 + 110 * draw) * time) + 0.05 * noise
    return wave.astype("float32")


def asked(task: str, draws: Mapping[str, int], facts: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What a pipeline of this task is called with. `draws`: which draw of each part; `facts`: `mask_token`,
    `image_token`, `rate`, `channels` and `frames`, where the processors have them."""
    words = text(draws.get(TEXT, 0))
    options: dict[str, Any] = dict(ASKED.get(task, {}))
    picture = image(draws.get(IMAGE, 0), facts.get("channels", 3)) if IMAGE in PARTS[task] else None
    if LABEL in PARTS[task]:
        options["candidate_labels"] = list(LABELS[draws.get(LABEL, 0)])
    if task == "fill-mask":
        return (f"{words} {facts['mask_token']}",), options
    if task in ("image-text-to-text", "any-to-any") and facts.get("heard_alone"):
        return (), {**options, "audio": sound(draws.get(IMAGE, 0), facts["rate"]), "text": words}
    if task in ("image-text-to-text", "any-to-any"):
        return (), {
            **options,
            "images": pictures(draws.get(IMAGE, 0), facts),
            "text": f"{facts.get('image_token', '')}{words}",
        }
    if task == "document-question-answering":
        boxes = [(word, [10 * place, 10, 10 * place + 9, 30]) for place, word in enumerate(text(3).split())]
        return ({"image": picture, "question": words, "word_boxes": boxes},), options
    if task == "table-question-answering":
        table = {"name": ["fox", "dog"], "count": ["1", "2"]}
        return ({"table": table, "query": words},), options
    if task == "keypoint-matching":
        return ([picture, image(draws.get(IMAGE, 0) + 2, facts.get("channels", 3))],), options
    if SOUND in PARTS[task]:
        return (sound(draws.get(SOUND, 0), facts["rate"]),), options
    if VIDEO in PARTS[task]:
        import numpy

        frames = [numpy.asarray(image(draws.get(VIDEO, 0) + 2 * number)) for number in range(facts["frames"])]
        return (numpy.stack(frames),), options
    return (picture if picture is not None else words,), options

"""OneFormer's processor: MaskFormer's, with tasks and what is in an image as texts."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images import post_queries
from jaxformers.processing.images.padders import largest
from jaxformers.processing.images.queries import LABELS, MaskFormer

_NOTHING = {  # the texts behind the last object
    "semantic": "a semantic photo",
    "instance": "an instance photo",
    "panoptic": "an panoptic photo",
}


class OneFormer(MaskFormer):
    """Also says what to do in words, and what is in the image.

    `metadata` (`class_names`, `thing_ids` and the name of each class by its number) is in preprocessor_config.json, or
    made of the JSON file `class_info_file` in the directory `repo_path`.
    """

    def __init__(self, **settings: Any):
        super().__init__(**settings)
        if self.settings.get("metadata") is None:
            self.settings["metadata"] = metadata(self.repo_path, self.class_info_file)
        held = self.settings["metadata"]
        if not isinstance(held, dict) or not all(isinstance(held.get(k), list) for k in ("class_names", "thing_ids")):
            problem = f"metadata must hold the lists class_names and thing_ids, got {held!r:.80}"
            raise InputError(self.name, [problem])

    def __call__(  # type: ignore[override]
        self,
        images: Any,
        task_inputs: Any = None,
        segmentation_maps: Any = None,
        instance_id_to_semantic_id: Any = None,
        return_tensors: str | None = None,
        data_format: str = "channels_first",
        input_data_format: str | None = None,
        **changes: Any,
    ) -> Features:
        """As `MaskFormer`; and `task_inputs`, and `text_inputs` of maps, lists of texts for the tokenizer.

        Args:
          task_inputs: "semantic", "instance" or "panoptic" for each image.
        """
        own = self.changed(changes)
        tasks = [task_inputs] if isinstance(task_inputs, str) else list(task_inputs or ())
        pixels = [own.prepare(x) for x in own.arrays(images, input_data_format)]
        if len(tasks) != len(pixels) or not set(tasks) <= set(_NOTHING):
            rule = f"must be one of {', '.join(_NOTHING)} for each of {len(pixels)} images"
            raise InputError("task_inputs", [f"{rule}, got {task_inputs!r}"])
        fields: dict[str, Any] = own.padded(pixels, data_format)
        if segmentation_maps is not None:
            if own.num_text is None:
                raise InputError(self.name, ["num_text must be given, as texts are made of maps, got None"])
            seen = dict.fromkeys(own.metadata["class_names"], 0)  # over all images of a call, as models were trained
            found = own.masks(segmentation_maps, instance_id_to_semantic_id, len(pixels))
            kept = [own.of_task(task, *one, seen) for task, one in zip(tasks, found, strict=True)]
            kept = [(own.padded_masks(masks, largest(pixels)), *rest) for masks, *rest in kept]
            fields |= dict(zip((*LABELS, "text_inputs"), map(list, zip(*kept, strict=True)), strict=True))
        fields["task_inputs"] = [f"the task is {task}" for task in tasks]
        return Features(fields, return_tensors, ragged=(*LABELS, "text_inputs", "task_inputs"))

    def of_task(self, task: str, masks: np.ndarray, classes: np.ndarray, seen: dict[str, int]):
        """The masks and classes that a task asks for, and `num_text` texts; `seen` counts names and is changed."""
        unknown = [kind for kind in classes.tolist() if str(kind) not in self.metadata]
        if unknown:
            raise InputError("segmentation_maps", [f"metadata must name every class, lacks {unknown}"])
        kept: list[tuple[int, np.ndarray]] = []
        for kind, mask in zip(classes.tolist(), masks, strict=True):
            same = [k for k, (other, _) in enumerate(kept) if other == kind and task == "semantic"]
            if task == "instance" and kind not in self.metadata["thing_ids"]:
                continue
            if same:
                kept[same[0]] = kind, (kept[same[0]][1] + mask).clip(0, 1)
            else:
                kept.append((kind, mask))
                seen[self.metadata[str(kind)]] += 1
        names = [name for name in self.metadata["class_names"] for _ in range(seen[name])][: self.num_text]
        texts = [f"a photo with a {name}" for name in names] + [_NOTHING[task]] * (self.num_text - len(names))
        chosen = np.stack([m for _, m in kept]) if kept else masks[:0]
        return chosen, np.asarray([kind for kind, _ in kept], np.int64), texts

    def post_process_instance_segmentation(  # type: ignore[override]
        self,
        outputs: Any,
        task_type: str = "instance",
        is_demo: bool = True,
        threshold: float = 0.5,
        mask_threshold: float = 0.5,
        overlap_mask_area_threshold: float = 0.8,
        target_sizes: Any = None,
        return_coco_annotation: bool = False,
    ):
        """Objects that do not overlap, with what `metadata` says; see `post_queries.of_things`.

        Args:
          task_type: "panoptic" keeps things only (`thing_ids`).
          is_demo: only those surer than `threshold`.
        """
        limits = mask_threshold, overlap_mask_area_threshold
        things = self.metadata["thing_ids"]
        found = post_queries.of_things(
            outputs,
            threshold if is_demo else None,
            limits,
            target_sizes,
            things if task_type == "panoptic" else None,
            things if "ade20k" in (self.class_info_file or "") and not is_demo and "instance" in task_type else None,
        )
        return post_queries.encoded(found) if return_coco_annotation else found


def metadata(folder: str | None, file: str | None) -> dict[str, Any]:
    """Names and numbers of classes, from a file `{number: {"name": ..., "isthing": 0 or 1}}`.

    Raises:
      InputError: there is no such file, or it holds something else.
    """
    if file is None:
        raise InputError("OneFormerImageProcessor", ["metadata or class_info_file must be given, got neither"])
    path = pathlib.Path(folder or "", file)
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        names = {key: info["name"] for key, info in held.items()}
        things = [int(key) for key, info in held.items() if info["isthing"]]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as e:
        problem = f"class_info_file must be a JSON file of classes in repo_path: {path}: {e!r}"
        raise InputError("OneFormerImageProcessor", [problem], "or give metadata") from None
    return {**names, "thing_ids": things, "class_names": list(names.values())}

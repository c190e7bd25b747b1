"""Records how the reference reads what models say about images, on seeded numbers: `record_post.py`."""

import pathlib
import sys
import types

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from images.case import GOLDENS
from images.said import SIZES, said


def main() -> None:
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    x = said()
    of = {k: torch.from_numpy(v) for k, v in x.items()}
    held: dict[str, np.ndarray] = {}

    def outputs(**names):
        return types.SimpleNamespace(**{k: of[v].clone() for k, v in names.items()})

    segformer, dpt = transformers.SegformerImageProcessor(), transformers.DPTImageProcessor()
    detr, sam = transformers.DetrImageProcessor(), transformers.SamImageProcessor()
    for sizes in (None, SIZES):
        tag = "own" if sizes is None else "sized"
        for i, one in enumerate(segformer.post_process_semantic_segmentation(outputs(logits="maps"), sizes)):
            held[f"semantic/{tag}/{i}"] = one.numpy().astype(np.int16)
        depths = dpt.post_process_depth_estimation(outputs(predicted_depth="depth"), sizes)
        for i, one in enumerate(depths):
            held[f"depth/{tag}/{i}"] = one["predicted_depth"].numpy()
        boxes = detr.post_process_object_detection(outputs(logits="classes", pred_boxes="boxes"), 0.3, sizes)
        for i, one in enumerate(boxes):
            held |= {f"detection/{tag}/{i}/{k}": v.numpy() for k, v in one.items()}
        for kind, more in (("instance", {}), ("panoptic", {"label_ids_to_fuse": {1, 2}})):
            read = getattr(detr, f"post_process_{kind}_segmentation")
            said_ = outputs(logits="classes", pred_masks="masks")
            for i, one in enumerate(read(said_, 0.3, 0.4, 0.3, target_sizes=sizes, **more)):
                held[f"{kind}/{tag}/{i}"] = one["segmentation"].numpy().astype(np.int16)
                info = [[s["id"], s["label_id"], s["was_fused"], s["score"]] for s in one["segments_info"]]
                held[f"{kind}/{tag}/{i}/info"] = np.array(info, np.float64).reshape(-1, 4)
    shown = [of["masks"][i][None] for i in range(2)]
    for binary in (True, False):
        for i, one in enumerate(
            sam.post_process_masks(
                shown, SIZES, [(20, 24), (24, 13)], binarize=binary, pad_size={"height": 24, "width": 24}
            )
        ):
            held[f"masks/{binary}/{i}"] = one.numpy()
    np.savez_compressed(GOLDENS / "post.npz", **held)
    print(len(held), (GOLDENS / "post.npz").stat().st_size, "bytes")


if __name__ == "__main__":
    main()

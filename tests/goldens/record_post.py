"""Records how the reference reads what models say about images, on seeded numbers: `record_post.py`."""

import json
import pathlib
import sys
import tempfile
import types

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from images.case import GOLDENS
from images.said import MANY, SIZES, THINGS, everything, readings, said


def main() -> None:
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    of = {k: torch.from_numpy(v) for k, v in said().items()}

    def outputs(**names):
        return types.SimpleNamespace(**{k: of[v].clone() for k, v in names.items()})

    with tempfile.TemporaryDirectory() as folder:
        classes = {str(k): {"name": f"class {k}", "isthing": int(k in THINGS)} for k in range(MANY)}
        (pathlib.Path(folder) / "classes.json").write_text(json.dumps(classes))

        def processor(kind):
            more = {"repo_path": folder, "class_info_file": "classes.json"} if kind == "OneFormer" else {}
            return getattr(transformers, f"{kind}ImageProcessor")(**more)

        held = readings(processor, outputs, torch.tensor)
    shown = [of["masks"][i][None] for i in range(2)]
    sam = transformers.SamImageProcessor()
    for binary in (True, False):
        sizes = SIZES, [(20, 24), (24, 13)]
        made = sam.post_process_masks(shown, *sizes, binarize=binary, pad_size={"height": 24, "width": 24})
        held |= {f"masks/{binary}/{i}": one.numpy() for i, one in enumerate(made)}
    held |= everything(sam, transformers.FuyuImageProcessor(), lambda x: torch.from_numpy(x))
    np.savez_compressed(GOLDENS / "post.npz", **held)
    print(len(held), (GOLDENS / "post.npz").stat().st_size, "bytes")


if __name__ == "__main__":
    main()

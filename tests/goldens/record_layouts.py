"""Records what the reference's tokenizers and processors make of words with boxes: `record_layouts.py`."""

import importlib
import json
import pathlib
import sys
import tempfile
import warnings

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from calls import layout
from calls.case import GOLDENS
from text.case import pack


def main() -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")

    def load(case):
        with tempfile.TemporaryDirectory() as directory:
            return getattr(transformers, case.reference).from_pretrained(case.write(pathlib.Path(directory)))

    def processor(case, name, other, ocr):
        with tempfile.TemporaryDirectory() as directory:
            folder = layout.write(case, name, other, ocr, pathlib.Path(directory))
            return getattr(transformers, name).from_pretrained(folder)

    for version in ("layoutlmv2", "layoutlmv3"):
        module = importlib.import_module(f"transformers.models.{version}.image_processing_{version}")
        module.apply_tesseract = lambda image, *_, **__: layout.READ[int(image.shape[0] > image.shape[1])]
        module.requires_backends = lambda *_: None
    found = {"tokenizers": layout.observe(load), "processors": layout.observe_processors(processor)}
    file = GOLDENS / "layouts.json"
    file.write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")
    texts = GOLDENS / "layouts.npz"
    np.savez_compressed(texts, **pack(layout.corpus(load)))
    print(file.stat().st_size, texts.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

"""Records what the reference's image processors make of the tests' pictures: `record_images.py`."""

import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from images.case import GOLDENS, digest, observe
from images.cases import CASES


def main() -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    held = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            kind = getattr(transformers, case.reference)
            processor = kind.from_pretrained(case.write(pathlib.Path(folder)))
            held[case.name] = {k: digest(v) for k, v in observe(processor, case).items()}
    GOLDENS.mkdir(exist_ok=True)
    text = json.dumps(held, separators=(",", ":"))
    (GOLDENS / "processors.json").write_text(text + "\n")
    print(len(held), "cases", len(text), "bytes")


if __name__ == "__main__":
    main()

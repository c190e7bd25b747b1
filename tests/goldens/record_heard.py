"""Records what the reference's tokenizers read in the frames of speech: `record_heard.py`."""

import json
import pathlib
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from calls import heard
from calls.case import GOLDENS
from text.case import pack


def main() -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    found = {}
    for case in heard.CASES:
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = getattr(transformers, case.reference).from_pretrained(case.write(pathlib.Path(folder)))
        found |= {f"{case.name}/{name}": rows for name, rows in heard.observe(tokenizer).items()}
    np.savez_compressed(GOLDENS / "heard.npz", **pack(found))
    with tempfile.TemporaryDirectory() as folder:
        case = heard.tongues(pathlib.Path(folder))
        tokenizer = getattr(transformers, case.reference).from_pretrained(case.write(pathlib.Path(folder)))
    held = heard.switched(tokenizer)
    (GOLDENS / "heard.json").write_text(json.dumps(held, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(*((GOLDENS / f"heard.{end}").stat().st_size for end in ("npz", "json")), "bytes")


if __name__ == "__main__":
    main()

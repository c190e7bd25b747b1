"""Records what the reference's tokenizers make of entities and of passages: `record_own_calls.py`."""

import json
import pathlib
import sys
import tempfile
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from calls import own
from calls.case import GOLDENS


def main() -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")

    def load(case, **settings):
        with tempfile.TemporaryDirectory() as directory:
            folder = own.write(case, pathlib.Path(directory))
            return getattr(transformers, case.reference).from_pretrained(folder, **settings)

    file = GOLDENS / "own_calls.json"
    file.write_text(json.dumps(own.observe(load), ensure_ascii=False, separators=(",", ":")) + "\n")
    print(file.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

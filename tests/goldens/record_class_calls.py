"""Records what the reference gives for calls that only some classes have: `record_class_calls.py [name ...]`."""

import importlib.util
import json
import pathlib
import sys
import tempfile
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from calls.classes import GOLDENS, NAMES, observe


def main(names: list[str]) -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")

    def load(case, **settings):
        with tempfile.TemporaryDirectory() as directory:
            return getattr(transformers, case.reference).from_pretrained(
                case.write(pathlib.Path(directory)), **settings
            )

    GOLDENS.mkdir(exist_ok=True)
    for name in names or NAMES:
        needs = getattr(importlib.import_module(f"calls.classes.{name}"), "NEEDS", None)
        if needs is not None and importlib.util.find_spec(needs) is None:
            print(name, "is left out without", needs)
            continue
        file = GOLDENS / f"{name}.json"
        file.write_text(json.dumps(observe(name, load), ensure_ascii=False, separators=(",", ":")) + "\n")
        print(name, file.stat().st_size, "bytes")


if __name__ == "__main__":
    main(sys.argv[1:])

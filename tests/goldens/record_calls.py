"""Records what the reference's tokenizer says to the tests' calls: `record_calls.py`."""

import json
import pathlib
import sys
import tempfile
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from calls import languages
from calls.case import GOLDENS, change, folder, observe, train


def main() -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")

    def fresh():
        return transformers.AutoTokenizer.from_pretrained(folder())

    def load(case, **settings):
        with tempfile.TemporaryDirectory() as directory:
            kind = getattr(transformers, case.reference)
            return kind.from_pretrained(case.write(pathlib.Path(directory)), **settings)

    held = {"calls": observe(fresh()), "changed": change(fresh(), transformers.AddedToken), "trained": train(fresh())}
    held["languages"] = languages.observe(load)
    GOLDENS.mkdir(exist_ok=True)
    (GOLDENS / "calls.json").write_text(json.dumps(held, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(len(held["calls"]), (GOLDENS / "calls.json").stat().st_size, "bytes")


if __name__ == "__main__":
    main()

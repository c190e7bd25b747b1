"""Records what the reference's tokenizers make of the corpus: `record_tokenizers.py [case ...]`."""

import importlib.util
import pathlib
import sys
import tempfile
import warnings

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from text.case import GOLDENS, cases, observe, pack


def main(names: list[str]) -> None:
    import transformers

    transformers.logging.set_verbosity_error()
    for case in cases():
        if names and case.name not in names:
            continue
        if case.needs is not None and importlib.util.find_spec(case.needs) is None:
            print(case.name, "is left out without", case.needs, flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            kind = getattr(transformers, case.reference)
            tokenizer = kind.from_pretrained(case.write(pathlib.Path(folder)))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = observe(tokenizer, case)
        np.savez_compressed(GOLDENS / f"{case.name}.npz", **pack(found))
        print(case.name, sum(map(len, found["ids"])), "tokens", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

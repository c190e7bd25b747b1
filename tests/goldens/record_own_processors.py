"""Records what the reference's processors with calls of their own give: `record_own_processors.py [family ...]`."""

import importlib
import importlib.util
import json
import pathlib
import sys
import tempfile
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from processors.own import FAMILIES
from processors.own.case import GOLDENS, digest, observe


def main() -> None:
    import torch
    import transformers
    from transformers.models.whisper import feature_extraction_whisper as whisper

    whisper.is_torch_available = lambda: False
    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    for family in sys.argv[1:] or FAMILIES:
        held = {}
        module = importlib.import_module(f"processors.own.{family}")
        needs = getattr(module, "NEEDS", None)
        if needs and importlib.util.find_spec(needs) is None:
            print(family, "needs", needs)
            continue
        for case in module.CASES:
            with tempfile.TemporaryDirectory() as folder:
                directory = case.write(pathlib.Path(folder))
                build = case.build or getattr(transformers, case.reference).from_pretrained
                found = observe(build(directory), case, torch.as_tensor)
                held[case.name] = {k: digest(v) for k, v in found.items()}
        file = GOLDENS / f"{family}.json"
        file.write_text(json.dumps(held, separators=(",", ":")) + "\n")
        print(family, {k: len(v) for k, v in held.items()}, file.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

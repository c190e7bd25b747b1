"""Records what the reference's processors of text beside images or sound make of the tests' inputs."""

import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from processors.case import CASES, GOLDENS, digest, observe


def main() -> None:
    import transformers
    from transformers.models.whisper import feature_extraction_whisper as whisper

    transformers.logging.set_verbosity_error()
    whisper.is_torch_available = lambda: False
    held = {}
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            processor = getattr(transformers, case.reference).from_pretrained(case.write(pathlib.Path(folder)))
            held[case.name] = {k: digest(v) for k, v in observe(processor, case).items()}
            print(case.name, len(held[case.name]))
    GOLDENS.mkdir(exist_ok=True)
    (GOLDENS / "processors.json").write_text(json.dumps(held, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

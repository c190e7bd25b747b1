"""Records what the reference's Whisper tokenizer makes of spoken texts, recordings and prompts: `record_spoken.py`."""

import json
import pathlib
import sys
import tempfile
import warnings

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from calls import spoken
from calls.case import GOLDENS
from text.case import pack


def main() -> None:
    import transformers
    from transformers.models.whisper.tokenization_whisper import LANGUAGES

    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        directory = spoken.write(pathlib.Path(folder), list(LANGUAGES))
        tokenizer = transformers.WhisperTokenizerFast.from_pretrained(directory)
    np.savez_compressed(GOLDENS / "spoken.npz", **pack(spoken.alike(tokenizer)))
    held = json.dumps(spoken.observe(tokenizer), ensure_ascii=False, separators=(",", ":"))
    (GOLDENS / "spoken.json").write_text(held + "\n")
    print(*((GOLDENS / f"spoken.{end}").stat().st_size for end in ("npz", "json")), "bytes")


if __name__ == "__main__":
    main()

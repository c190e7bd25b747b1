"""Records what the reference's Whisper tokenizer reads in transcripts: `record_transcripts.py`."""

import json
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from text.transcripts import GOLDEN, PROMPTS, transcripts, write


def main() -> None:
    import transformers
    from transformers.models.whisper.tokenization_whisper import LANGUAGES, TO_LANGUAGE_CODE

    transformers.logging.set_verbosity_error()
    found = {"languages": list(LANGUAGES), "names": TO_LANGUAGE_CODE, "prompts": [], "labels": [], "read": []}
    for prompt in PROMPTS:
        with tempfile.TemporaryDirectory() as folder:
            tokenizer = transformers.WhisperTokenizerFast.from_pretrained(write(pathlib.Path(folder), list(LANGUAGES)))
        names = {"language": prompt.get("language"), "task": prompt.get("task")}
        tokenizer.set_prefix_tokens(**names, predict_timestamps=prompt.get("times", False))
        found["prompts"].append(tokenizer.prefix_tokens)
        found["labels"].append(tokenizer("a b", "c")["input_ids"])
    for ids in transcripts(tokenizer):
        texts = [
            tokenizer.decode(ids, decode_with_timestamps=times, skip_special_tokens=skip)
            for times in (False, True)
            for skip in (False, True)
        ]
        parts = tokenizer.decode(ids, output_offsets=True)["offsets"] if ids else []
        found["read"].append({"ids": ids, "texts": texts, "parts": parts})
    GOLDEN.write_text(json.dumps(found, ensure_ascii=False) + "\n")
    print(len(found["read"]), "transcripts", GOLDEN.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

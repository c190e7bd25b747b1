"""RAG's two tokenizers, in folders of one checkpoint."""

import dataclasses
import json
import pathlib
from typing import Any

from calls.case import plain
from text.case import Case
from text.corpus import PAIRS

QUESTIONS = Case("questions", "DPRQuestionEncoderTokenizerFast", {"vocab.txt": "wordpiece.txt"})
ANSWERS = Case("answers", "BartTokenizerFast", {"vocab.json": "roberta.json", "merges.txt": "byte-bpe-merges.txt"})


@dataclasses.dataclass(frozen=True)
class Rag:
    """The checkpoint; `named`: do the folders name the classes, or config.json only?"""

    name: str = "rag"
    reference: str = "RagTokenizer"
    named: bool = True

    def write(self, directory: pathlib.Path) -> pathlib.Path:
        """Writes the files."""
        config = {"question_encoder": {"model_type": "dpr"}, "generator": {"model_type": "bart"}, "model_type": "rag"}
        (directory / "config.json").write_text(json.dumps(config))
        for folder, case in (("question_encoder", QUESTIONS), ("generator", ANSWERS)):
            inner = directory / f"{folder}_tokenizer"
            inner.mkdir(exist_ok=True)
            case.write(inner)
            if not self.named:
                (inner / "tokenizer_config.json").unlink()
        return directory


CASES = {"named": Rag(), "bare": Rag("rag-bare", named=False)}


def observe(load) -> dict[str, Any]:
    """What either side makes of questions and answers."""
    found: dict[str, Any] = {}
    for label, case in CASES.items():
        made = load(case)
        found[label] = [plain(made(first, second)) for first, second in PAIRS]
        found[f"{label}/batch"] = plain(made(["Who?", "Where is it?"], padding=True, return_tensors="np"))
        rows = [made.generator(text)["input_ids"] for text, _ in PAIRS]
        found[f"{label}/ids"], found[f"{label}/text"] = rows, made.batch_decode(rows, skip_special_tokens=True)
        found[f"{label}/one"] = made.decode(rows[3])
    return found

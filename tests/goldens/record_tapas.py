"""Records what the reference makes of tables, questions and numbers: `record_tapas.py`."""

import json
import pathlib
import sys
import tempfile
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from calls import tapas
from calls.case import GOLDENS


def main() -> None:
    import pandas
    import torch
    import transformers
    from transformers.models.tapas import tokenization_tapas as reference

    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")

    def load(case):
        with tempfile.TemporaryDirectory() as directory:
            return transformers.TapasTokenizer.from_pretrained(case.write(pathlib.Path(directory)))

    def frame(rows):
        return pandas.DataFrame(rows[1:], columns=rows[0], dtype=object)

    def value(held):
        date = held.date
        return held.float_value if date is None else [date.year, date.month, date.day]

    found = {"calls": tapas.observe(load, frame)}
    found["numbers"] = [
        [value(v) for span in reference.parse_text(reference.normalize_for_match(text)) for v in span.values]
        for text in tapas.numbers()
    ]
    tokenizer = load(tapas.PLAIN)
    data = tokenizer(frame(tapas.ACTORS), queries=list(tapas.ASKED), padding=True, return_tensors="pt")
    said = [torch.tensor(x) for x in tapas.logits(data["input_ids"].shape)]
    found["predictions"] = tapas.bare(
        [
            tokenizer.convert_logits_to_predictions(data, said[0].clone(), *more)
            for more in ((), (said[1],), (None, 0.9))
        ]
    )
    file = GOLDENS / "tapas.json"
    file.write_text(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(file.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

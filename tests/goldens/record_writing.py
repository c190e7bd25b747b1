"""Records what PyTorch transformers writes: `python tests/goldens/record_writing.py`. Needs no jax."""

from __future__ import annotations

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import record
import torch
import transformers
from support.case import GOLDENS, load_cases
from support.writing import CASES, MODELS, options, prompts, unequal


def main() -> None:
    transformers.logging.set_verbosity_error()
    out: dict[str, dict] = {}
    for name, what in CASES:
        model_type, case, head = MODELS[name]
        model = record.build(model_type, load_cases(model_type).CASES[case], head)
        ids, mask = (torch.from_numpy(x).long() for x in prompts(unequal(what)))
        kwargs = options(what)
        if model.config.is_encoder_decoder:
            kwargs["decoder_start_token_id"] = 0
        made = model.generate(ids, attention_mask=mask, return_dict_in_generate=True, output_scores=True, **kwargs)
        entry = {"sequences": made.sequences.tolist()}
        if kwargs.get("num_beams", 1) > 1:
            entry["scores"] = [round(float(x), 6) for x in made.sequences_scores]
        out[f"{name}/{what}"] = entry
    text = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in out.items())
    (GOLDENS / "writing.json").write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    main()

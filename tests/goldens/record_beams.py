"""Records what diverse and constrained beam search write: `python tests/goldens/record_beams.py`. Needs no jax.

Needs transformers 4.53.3: later versions do not hold these ways of writing.
"""

from __future__ import annotations

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import record
import torch
import transformers
from support.case import GOLDENS, load_cases
from support.writing import EOS, MODELS, PAD, prompts
from transformers.generation import beam_search
from transformers.generation.beam_constraints import ConstraintListState, DisjunctiveConstraint, PhrasalConstraint

ENDS = [35, 54, 6, 65, 17, 41, 22, 9, 48]  # so many that rows end early
SHORT = {"max_new_tokens": 4}
# Model, options, whether the prompts differ in length, and what to change for a second call of the same program.
GROUPS = {
    "2 of 4": ("gpt2", (4, 2, 0.5), {"returned": 4, "early": True, "eos": [35]}, True, {}),
    "3 of 6, all, early": ("gpt2", (6, 3, 1.5), {"returned": 6, "early": True, "power": 0.5}, True, SHORT),
    "2 of 2, apart": ("gpt2", (2, 2, 30.0), {"returned": 2, "early": "never", "power": 2.0, "eos": ENDS}, True, {}),
    "2 of 4, n-grams": ("gpt2", (4, 2, 1.5), {"no_repeat_ngram_size": 2, "returned": 3, "eos": None}, False, {}),
    "2 of 4, long": ("t5", (4, 2, 0.5), {"returned": 4, "power": 2.0, "eos": ENDS, "pad": 35}, True, SHORT),
}
CONSTRAINTS = {
    "a phrase": ("gpt2", [[20]], {"returned": 2, "early": True, "eos": [35]}, True, {}),
    "two phrases": (
        "gpt2",
        [[11, 12], [20]],
        {"returned": 3, "early": True, "power": 2.0, "eos": ENDS},
        True,
        {"max_new_tokens": 2},
    ),
    "begins alike": ("gpt2", [[8, 8, 9], [8, 10], [[8, 9], [14]]], {"returned": 4, "eos": None}, False, {}),
    "holds an end": ("gpt2", [[20, 35], [54]], {"beams": 2, "returned": 2}, False, SHORT),
    "both": (
        *("t5", [[11, 12], [[5, 6, 7], [5, 9], [5, 6, 8, 10], [30]]]),
        *({"early": "never", "power": 0.5, "no_repeat_ngram_size": 2, "eos": ENDS}, True, SHORT),
    ),
}


def options(returned=1, early=False, power=1.0, eos=EOS, pad=PAD, **more) -> dict:
    return {
        "max_new_tokens": 9,
        "pad_token_id": pad,
        "eos_token_id": None if eos is None else list(eos),
        "num_return_sequences": returned,
        "early_stopping": early,
        "length_penalty": power,
        **more,
    }


def calls():
    """(name, model, options, prompts)."""
    for name, (model, (beams, groups, penalty), how, unequal, more) in GROUPS.items():
        search = {"num_beams": beams, "num_beam_groups": groups, "diversity_penalty": penalty}
        yield name, model, {**options(**how), **search}, unequal, more
    for name, (model, words, how, unequal, more) in CONSTRAINTS.items():
        search = {"num_beams": how.pop("beams", 4), "force_words_ids": words}
        yield name, model, {**options(**how), **search}, unequal, more


def write(name: str, kwargs: dict, ids: np.ndarray, mask: np.ndarray) -> dict:
    model_type, case, head = MODELS[name]
    model = record.build(model_type, load_cases(model_type).CASES[case], head)
    if model.config.is_encoder_decoder:
        kwargs = {**kwargs, "decoder_start_token_id": 0}
    ids, mask = (torch.from_numpy(np.ascontiguousarray(x)).long() for x in (ids, mask))
    made = model.generate(ids, attention_mask=mask, return_dict_in_generate=True, output_scores=True, **kwargs)
    return {
        "model": name,
        "options": kwargs,
        "ids": ids.tolist(),
        "mask": mask.tolist(),
        "sequences": made.sequences.tolist(),
        "scores": [round(float(x), 6) for x in made.sequences_scores],
    }


def follow(words: list, texts: np.ndarray) -> dict:
    """The bank and the tokens that lead on, after each token of each text."""

    def made():
        return [DisjunctiveConstraint(w) if isinstance(w[0], list) else PhrasalConstraint(w) for w in words]

    banks, offers = [], []
    for text in texts:
        states = [ConstraintListState(made()) for _ in range(len(text) + 1)]
        for n, state in enumerate(states):
            state.reset(text[:n].tolist())
        banks.append([s.get_bank() for s in states])
        offers.append([sorted(set(s.advance() or ())) for s in states])
    return {"words": words, "texts": texts.tolist(), "banks": banks, "offers": offers}


def main() -> None:
    if transformers.__version__ != "4.53.3":
        sys.exit(f"needs transformers 4.53.3, this is {transformers.__version__}")
    transformers.logging.set_verbosity_error()
    # It can not report where the tokens of a text came from that does not hold everything, and fails.
    add = beam_search.BeamHypotheses.add
    beam_search.BeamHypotheses.add = lambda self, hyp, score, beam_indices=None, generated_len=None: add(
        self, hyp, score, beam_indices or (), generated_len
    )
    out: dict[str, dict] = {}
    for name, model, kwargs, unequal, more in calls():
        ids, mask = prompts(unequal)
        if model == "t5":
            ids, mask = ids[:, ::-1], mask[:, ::-1]
        out[f"{model}: {name}"] = write(model, kwargs, ids, mask)
        if more:
            out[f"{model}: {name}, again"] = write(model, {**kwargs, **more}, ids, mask)
    rng = np.random.default_rng(0)
    words = [[1, 1, 2], [[1, 3], [2, 1, 1], [2, 2]], [3], [3, 1]]
    out["follow"] = follow(words, rng.integers(0, 4, (24, 20)))
    text = ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in out.items())
    (GOLDENS / "beams.json").write_text("{\n" + text + "\n}\n")


if __name__ == "__main__":
    main()

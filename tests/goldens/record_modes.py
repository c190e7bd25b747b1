"""Records what PyTorch transformers writes otherwise than greedily: `python tests/goldens/record_modes.py`.

Needs no jax, but two versions of transformers: 4.53.3, the last that holds contrastive search and DoLa, for these, and
4.57.6 for the rest. Each writes its part of `modes.json` and `modes.npz` and leaves the other's.
"""

from __future__ import annotations

import functools
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import numpy as np
import record
import torch
import transformers
from support import modes
from support.case import GOLDENS, Case
from support.fill import read_sketches, sketch, write_sketches

FILES = GOLDENS / "modes.json", GOLDENS / "modes.npz"
OLD = hasattr(transformers.GenerationMixin, "_contrastive_search")


@functools.cache
def model(name: str):
    model_type, config, head = modes.describe(name)
    return record.build(model_type, Case(name, config), head)


def generate(name: str, ids: np.ndarray, mask: np.ndarray | None, **kwargs):
    start = {"decoder_start_token_id": 0} if name.endswith("t5") else {}
    ids, mask = (None if x is None else torch.from_numpy(np.ascontiguousarray(x)).long() for x in (ids, mask))
    return model(name).generate(ids, attention_mask=mask, **kwargs, **start)


def contrastive(out: dict) -> None:
    for key, (options, equal) in modes.CONTRASTIVE.items():
        name = key.split("/")[0]
        out[f"contrastive/{key}"] = generate(name, *modes.prompts(name, equal), **options).tolist()


def dola(out: dict) -> None:
    """Row by row, without padding: only new tokens are kept."""
    for key, (options, equal) in modes.DOLA.items():
        name = key.split("/")[0]
        rows = [row[real == 1][None] for row, real in zip(*modes.prompts(name, equal), strict=True)]
        written = [generate(name, row, np.ones_like(row), **options)[0, row.shape[1] :].tolist() for row in rows]
        out[f"dola/{key}"] = written


def guidance(out: dict) -> None:
    for key, (options, negative) in modes.GUIDANCE.items():
        name = key.split("/")[0]
        more = {"negative_prompt_ids": torch.from_numpy(modes.NEGATIVE).long()} if negative else {}
        out[f"guidance/{key}"] = generate(name, *modes.prompts(name, True), **options, **more).tolist()
    flags = {"return_dict_in_generate": True, "output_scores": True}
    made = generate("gpt2", *modes.prompts("gpt2", True), **modes.GUIDED_BEAMS, **flags)
    scores = [round(float(x), 6) for x in made.sequences_scores]
    out["guided beams"] = {"sequences": made.sequences.tolist(), "scores": scores}


def assisted(out: dict) -> None:
    for name in ("gpt2", "t5"):
        ids, _ = modes.prompts(name, True)
        draft = model(f"shallow {name}")
        out[f"assisted/{name}"] = generate(name, ids[1:2], None, **modes.options(assistant_model=draft)).tolist()


def prefixed(out: dict) -> None:
    for key, options in modes.PREFIXED.items():
        name = key.split("/")[0]
        made = generate(name, *modes.prompts(name), **options, prefix_allowed_tokens_fn=modes.allowed)
        out[f"prefixed/{key}"] = made.tolist()


def transitions(out: dict) -> None:
    flags = {"return_dict_in_generate": True, "output_scores": True}
    for key, options in modes.TRANSITIONS.items():
        name = key.split("/")[0]
        made = generate(name, *modes.prompts(name, True), **options, **flags)
        for normal in (False, True):
            beams = made.get("beam_indices")
            scores = model(name).compute_transition_scores(made.sequences, made.scores, beams, normal)
            out[f"transitions/{key}/{normal}"] = [[round(float(x), 6) for x in row] for row in scores]


def reported(out: dict, sketches: dict) -> None:
    for key, options in modes.REPORTED.items():
        name, what = key.split("/")
        if (what in ("contrastive", "dola")) != OLD:
            continue
        ids, mask = modes.prompts(name, equal="repetition_penalty" in options)
        made = generate(name, ids, mask, **options)
        out[f"reported/{key}"] = made.sequences.tolist()
        fields = {k: _numpy(v) for k, v in made.items() if k != "past_key_values"}
        arrays = modes.padded_away(name, fields, mask, modes.rows_a_prompt(options))
        sketches |= {f"{key}/{k}": sketch(v) for k, v in arrays.items()}


def _numpy(x):
    return tuple(map(_numpy, x)) if isinstance(x, tuple) else None if x is None else x.detach().numpy()


def main() -> None:
    transformers.logging.set_verbosity_error()
    out = json.loads(FILES[0].read_text()) if FILES[0].exists() else {}
    sketches = read_sketches(FILES[1]) if FILES[1].exists() else {}
    for part in (contrastive, dola) if OLD else (guidance, assisted, prefixed, transitions):
        part(out)
    reported(out, sketches)
    text = ",\n".join(f"{json.dumps(k)}: {json.dumps(out[k], separators=(',', ':'))}" for k in sorted(out))
    FILES[0].write_text("{\n" + text + "\n}\n")
    write_sketches(FILES[1], dict(sorted(sketches.items())))


if __name__ == "__main__":
    main()

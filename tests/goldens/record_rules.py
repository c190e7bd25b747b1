"""Records what the PyTorch library's logits processors do: `python tests/goldens/record_rules.py`.

Needs the extra `reference` and no jax. Writes `rules.npz` beside this file: the inputs, the logits that each processor
returns for prompts of several lengths, and, for some generation configs, the processors' names in order and what all
of them together return.
"""

from __future__ import annotations

import pathlib
from types import SimpleNamespace

import numpy as np
import torch
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel
from transformers.generation import logits_process as ref

LENGTHS = (1, 2, 3, 4, 7)
PROMPT = 2  # tokens of the prompt, where a processor tells them from generated ones
VOCAB = 17
EOS = [4, 6]

# Few distinct tokens, so that n-grams repeat.
IDS = np.array([[3, 1, 4, 1, 3, 1, 4], [2, 2, 16, 16, 2, 0, 2]], np.int32)
ENCODER = np.array([[1, 4, 9, 3, 1, 7], [2, 5, 2, 16, 0, 11]], np.int32)

PROCESSORS = {
    "Temperature": lambda: ref.TemperatureLogitsWarper(0.7),
    "TopK": lambda: ref.TopKLogitsWarper(5),
    "TopK-keep": lambda: ref.TopKLogitsWarper(2, min_tokens_to_keep=3),
    "TopP": lambda: ref.TopPLogitsWarper(0.6),
    "TopP-keep": lambda: ref.TopPLogitsWarper(0.05, min_tokens_to_keep=3),
    "MinP": lambda: ref.MinPLogitsWarper(0.2),
    "MinP-keep": lambda: ref.MinPLogitsWarper(0.99, min_tokens_to_keep=3),
    "Typical": lambda: ref.TypicalLogitsWarper(0.4),
    "Typical-keep": lambda: ref.TypicalLogitsWarper(0.05, min_tokens_to_keep=3),
    "Epsilon": lambda: ref.EpsilonLogitsWarper(0.06),
    "Epsilon-keep": lambda: ref.EpsilonLogitsWarper(0.9, min_tokens_to_keep=3),
    "Eta": lambda: ref.EtaLogitsWarper(0.3),
    "Eta-keep": lambda: ref.EtaLogitsWarper(0.99, min_tokens_to_keep=3),
    "RepetitionPenalty": lambda: ref.RepetitionPenaltyLogitsProcessor(1.7),
    "RepetitionPenalty-new": lambda: ref.RepetitionPenaltyLogitsProcessor(1.7, PROMPT),
    "EncoderRepetitionPenalty": lambda: ref.EncoderRepetitionPenaltyLogitsProcessor(1.7, torch.tensor(ENCODER).long()),
    "NoRepeatNGram-1": lambda: ref.NoRepeatNGramLogitsProcessor(1),
    "NoRepeatNGram-2": lambda: ref.NoRepeatNGramLogitsProcessor(2),
    "NoRepeatNGram-3": lambda: ref.NoRepeatNGramLogitsProcessor(3),
    "EncoderNoRepeatNGram-1": lambda: ref.EncoderNoRepeatNGramLogitsProcessor(1, torch.tensor(ENCODER)),
    "EncoderNoRepeatNGram-2": lambda: ref.EncoderNoRepeatNGramLogitsProcessor(2, torch.tensor(ENCODER)),
    "EncoderNoRepeatNGram-3": lambda: ref.EncoderNoRepeatNGramLogitsProcessor(3, torch.tensor(ENCODER)),
    "NoBadWords": lambda: ref.NoBadWordsLogitsProcessor([[5], [3, 8], [1, 4, 1], [2, 9], [4], [3, 1, 4, 1, 3]], EOS),
    "SequenceBias": lambda: ref.SequenceBiasLogitsProcessor(
        {(5,): 1.5, (3, 8): -2.0, (2, 8): 3.0, (1, 4, 1): 4.0, (4, 1): 0.5, (4, 7): -1.0}
    ),
    "MinLength": lambda: ref.MinLengthLogitsProcessor(4, EOS),
    "MinNewTokens": lambda: ref.MinNewTokensLengthLogitsProcessor(PROMPT, 2, EOS),
    "ForcedBOS": lambda: ref.ForcedBOSTokenLogitsProcessor(8),
    "ForcedEOS": lambda: ref.ForcedEOSTokenLogitsProcessor(5, EOS),
    "SuppressTokens": lambda: ref.SuppressTokensLogitsProcessor([0, 5, 16]),
    "SuppressTokensAtBegin": lambda: ref.SuppressTokensAtBeginLogitsProcessor([0, 5, 16], PROMPT),
    "ExponentialDecayLengthPenalty": lambda: ref.ExponentialDecayLengthPenalty((1, 1.3), EOS, PROMPT),
    "LogNormalize": lambda: ref.LogitNormalization(),
    "AlternatingCodebooks": lambda: ref.AlternatingCodebooksLogitsProcessor(1, 5, 4),
    "WhisperTimestamps": lambda: whisper(None, True),
    "WhisperTimestamps-first": lambda: whisper(2, True),
    "WhisperTimestamps-any": lambda: whisper(2, False),
}

# Generation configs whose whole list of processors is recorded; all lengths are those of a prompt of PROMPT tokens.
CONFIGS = {
    "plain": {},
    "always": {
        "sequence_bias": [[[5], 1.5], [[1, 4], -2.0]],
        "repetition_penalty": 1.3,
        "encoder_repetition_penalty": 1.2,
        "no_repeat_ngram_size": 3,
        "encoder_no_repeat_ngram_size": 2,
        "bad_words_ids": [[7], [4, 9]],
        "min_length": 3,
        "min_new_tokens": 2,
        "forced_bos_token_id": 8,
        "forced_eos_token_id": 6,
        "max_length": 8,
        "remove_invalid_values": True,
        "exponential_decay_length_penalty": [3, 1.1],
        "suppress_tokens": [10],
        "begin_suppress_tokens": [11],
        "renormalize_logits": True,
    },
    "sampling": {
        "do_sample": True,
        "temperature": 0.8,
        "top_k": 12,
        "top_p": 0.95,
        "min_p": 0.01,
        "typical_p": 0.9,
        "epsilon_cutoff": 0.001,
        "eta_cutoff": 0.002,
        "renormalize_logits": True,
        "repetition_penalty": 1.1,
        "watermarking_config": {"bias": 0.0},
    },
    "beam-sampling": {"do_sample": True, "num_beams": 2, "top_k": 1, "suppress_tokens": [3], "min_length": 2},
    "not-sampling": {"temperature": 0.8, "top_k": 12, "top_p": 0.95, "min_length": 6},
}


def whisper(latest: int | None, compare: bool):
    """Text below 2, and timestamps from 3 on, so that `IDS` hold both, alone and in pairs."""
    config = SimpleNamespace(no_timestamps_token_id=2, eos_token_id=2, max_initial_timestamp_index=latest)
    return ref.WhisperTimeStampLogitsProcessor(config, PROMPT, _detect_timestamp_from_logprob=compare)


def logits() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 2, (2, VOCAB)).astype(np.float32)


def diversity(scores: np.ndarray) -> dict[str, np.ndarray]:
    """Two prompts of four beams in two groups; the second group's turn."""
    process = ref.HammingDiversityLogitsProcessor(0.5, 4, 2)
    wide = torch.from_numpy(np.concatenate([scores, scores[::-1]]))
    current = torch.tensor([3, 3, 0, 0, 5, 7, 0, 0])
    return {f"HammingDiversity/{g}": process(None, wide, current, g).numpy() for g in (0, 1)}


def every_length(process) -> np.ndarray:
    """[number of lengths, B, V]"""
    ids, scores = torch.from_numpy(IDS).long(), torch.from_numpy(logits())
    return np.stack([process(ids[:, :n], scores.clone()).numpy() for n in LENGTHS])


def lists() -> dict[str, np.ndarray]:
    sizes = {"n_layer": 1, "n_head": 1, "n_embd": 4, "n_positions": 16, "vocab_size": VOCAB}
    model, out = GPT2LMHeadModel(GPT2Config(**sizes)), {}
    for name, fields in CONFIGS.items():
        config = GenerationConfig(**fields, eos_token_id=EOS)
        config._eos_token_tensor = torch.tensor(EOS)
        made = model._get_logits_processor(config, PROMPT, torch.from_numpy(ENCODER).long(), device="cpu")
        out[f"{name}/names"] = np.array([type(p).__name__ for p in made], np.str_)
        out[f"{name}/logits"] = every_length(made)
    return out


def main() -> None:
    scores = logits()
    arrays = {"ids": IDS, "encoder": ENCODER, "logits": scores}
    for name, make in PROCESSORS.items():
        arrays[name] = every_length(make())
    twice = np.concatenate([scores, scores[::-1]])
    guided = ref.ClassifierFreeGuidanceLogitsProcessor(3.0)(torch.from_numpy(IDS), torch.from_numpy(twice))
    broken = scores.copy()
    broken[0, :3] = np.nan, np.inf, -np.inf
    arrays |= {"ClassifierFreeGuidance": guided.numpy(), "broken": broken}
    arrays["RemoveInfNan"] = ref.InfNanRemoveLogitsProcessor()(None, torch.from_numpy(broken)).numpy()
    path = pathlib.Path(__file__).with_name("rules.npz")
    np.savez_compressed(path, **arrays, **diversity(scores), **lists())
    print(f"{path.name}: {len(PROCESSORS)} processors, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

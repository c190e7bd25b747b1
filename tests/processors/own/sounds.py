"""Processors of sound beside text: SeamlessM4T's, MusicGen's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from audio.case import SOUNDS, stereo
from processors.own.case import Own

TEXTS = ["a slow beat on a drum", "the quick brown fox, and a flute"]
_FAIRSEQ = {"sentencepiece.bpe.model": "fairseq-nmt-nfkc.model"}
_T5 = {"spiece.model": "t5.model"}
_SPOKEN = {"additional_special_tokens": ["__eng__", "__fra__"], "tgt_lang": "fra"}


def _languages(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    sounds = list(SOUNDS.values())
    yield "text", processor(text=TEXTS)
    yield "one", processor(text=TEXTS[0], return_tensors="np")
    yield "sound", processor(audio=sounds[:1], sampling_rate=16000)
    yield "sounds", processor(audio=sounds, sampling_rate=16000, return_tensors="np", pad_to_multiple_of=6)
    yield "cut", processor(audio=sounds, sampling_rate=16000, truncation=True, max_length=20)
    yield "target", processor(text=TEXTS[1], text_target=TEXTS[0], padding=False)
    yield "french", processor(text=TEXTS, src_lang="fra", tgt_lang="eng", padding=False)
    yield "kept", processor(text=TEXTS[0], text_kwargs={"padding": False, "text_target": TEXTS[1]})
    ids = processor(text=TEXTS)["input_ids"]
    yield "decoded", processor.batch_decode(ids, skip_special_tokens=True)


def _heard(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    sounds, how = list(SOUNDS.values()), {"sampling_rate": 16000}
    texts = ["what is <|AUDIO|> that?", "a cat <|audio_bos|><|AUDIO|><|audio_eos|> and <|AUDIO|><|audio_eos|>"]
    yield "plain", processor(text=texts, audio=sounds, padding=True, return_tensors="np", **how)
    yield "one", processor(text="<|AUDIO|>", audio=sounds[0], **how)
    yield "text", processor(text=["a cat", "two cats"], padding=True, return_tensors="np")
    grouped = {"text_kwargs": {"padding": "max_length", "max_length": 90}, "audio_kwargs": how}
    yield "grouped", processor(text=texts, audio=sounds, **grouped)


def _music(channels: int) -> Any:
    def calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
        sounds = stereo()[:2] if channels == 2 else list(SOUNDS.values())[:2]
        how = {"sampling_rate": 24000}
        yield "text", processor(text=TEXTS, padding=True, return_tensors="np")
        yield "sound", processor(audio=sounds[0], **how)
        yield "place", processor(sounds[0], **how)
        both = processor(audio=sounds, text=TEXTS, padding=True, return_tensors="np", **how)
        yield "both", both
        yield (
            "cut",
            processor(audio=sounds, text=TEXTS, padding="max_length", max_length=10001, return_tensors="np", **how),
        )
        yield (
            "long",
            processor(audio=sounds, text=TEXTS, audio_kwargs={"padding": "max_length", "max_length": 11000, **how}),
        )
        mask = both["padding_mask"]
        made = np.random.default_rng(3).normal(size=(2, channels, mask.shape[1] + 21)).astype(np.float32)
        yield "made", processor.batch_decode(array(made))
        if channels == 1:  # the reference applies masks to one channel only, and fails on two
            yield "whole", processor.batch_decode(audio=array(made), padding_mask=array(mask))
        ids = processor(text=TEXTS)["input_ids"]
        yield "decoded", [processor.decode(row, skip_special_tokens=True) for row in ids]

    return calls


def _transcribed(rate: int, field: str = "", **more: Any) -> Any:
    def calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
        sounds, how = list(SOUNDS.values())[:2], {"sampling_rate": rate}
        yield "both", processor(audio=sounds, text=TEXTS, padding=True, return_tensors="np", **how, **more)
        if field:
            yield "place", processor(sounds[0], text=TEXTS[0], **how)
            heard = [{field: np.asarray(processor(x, **how)[field][0])} for x in sounds]
            said = [{"input_ids": processor(text=text)["input_ids"]} for text in TEXTS]
            yield "padded", processor.pad(heard, labels=said, return_tensors="np")
            yield "heard", processor.pad(input_features=heard, padding=True, return_tensors="np")
            yield "said", processor.pad(labels=said, padding=True)

    return calls


def _cut(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    yield from _transcribed(16000, "")(processor, array)
    how = {"sampling_rate": 16000, "truncation": True, "max_length": 4000, "padding": "max_length"}
    yield "cut", processor(audio=list(SOUNDS.values())[:2], text=TEXTS, return_attention_mask=True, **how)


def _encodec(**settings: Any) -> dict[str, Any]:
    return {"feature_extractor_type": "EncodecFeatureExtractor", **settings}


_TRANSCRIPT = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>"]
_BYTES = {"vocab.json": "gpt2.json", "merges.txt": "byte-bpe-merges.txt"}
_ROBERTA = {"vocab.json": "roberta.json", "merges.txt": "byte-bpe-merges.txt"}
_SPEECH = {"vocab.json": "spoken.json", "sentencepiece.bpe.model": "identity.model"}
_TRANSLATED = {"vocab.json": "translated.json", "merges.txt": "word-merges-counted.txt"}
_CTC = {"vocab.json": "ctc.json"}

CASES = [
    Own(
        "wav2vec2-padded",
        "Wav2Vec2Processor",
        "Wav2Vec2CTCTokenizer",
        _CTC,
        {"feature_extractor_type": "Wav2Vec2FeatureExtractor"},
        calls=_transcribed(16000, "input_values"),
    ),
    Own(
        "mctct",
        "MCTCTProcessor",
        "Wav2Vec2CTCTokenizer",
        _CTC,
        {"feature_extractor_type": "MCTCTFeatureExtractor"},
        calls=_transcribed(16000, "input_features"),
    ),
    Own(
        "whisper-padded",
        "WhisperProcessor",
        "WhisperTokenizerFast",
        _BYTES,
        {"feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": 1},
        tokens={"pad_token": "<pad>", "additional_special_tokens": _TRANSCRIPT},
        calls=_cut,
    ),
    Own(
        "speech2text-padded",
        "Speech2TextProcessor",
        "Speech2TextTokenizer",
        _SPEECH,
        {"feature_extractor_type": "Speech2TextFeatureExtractor"},
        calls=_cut,
    ),
    Own(
        "clap-padded",
        "ClapProcessor",
        "RobertaTokenizerFast",
        _ROBERTA,
        {"feature_extractor_type": "ClapFeatureExtractor", "max_length_s": 1, "truncation": "rand_trunc"},
        calls=_transcribed(48000),
    ),
    Own(
        "wav2vec2-bert",
        "Wav2Vec2BertProcessor",
        "Wav2Vec2CTCTokenizer",
        _CTC,
        {"feature_extractor_type": "SeamlessM4TFeatureExtractor"},
        calls=_transcribed(16000, "input_features"),
    ),
    Own(
        "speech2text2",
        "Speech2Text2Processor",
        "Speech2Text2Tokenizer",
        _TRANSLATED,
        {"feature_extractor_type": "Wav2Vec2FeatureExtractor"},
        calls=_transcribed(16000),
    ),
    Own(
        "qwen2_audio",
        "Qwen2AudioProcessor",
        "GPT2TokenizerFast",
        _BYTES,
        {"feature_extractor_type": "WhisperFeatureExtractor", "chunk_length": 1},
        tokens={
            "pad_token": "<pad>",
            "additional_special_tokens": ["<|AUDIO|>", "<|audio_bos|>", "<|audio_eos|>"],
        },
        calls=_heard,
    ),
    Own(
        "seamless_m4t",
        "SeamlessM4TProcessor",
        "SeamlessM4TTokenizerFast",
        _FAIRSEQ,
        {"feature_extractor_type": "SeamlessM4TFeatureExtractor"},
        tokens=_SPOKEN,
        calls=_languages,
    ),
    Own("musicgen", "MusicgenProcessor", "T5TokenizerFast", _T5, _encodec(padding_side="left"), calls=_music(1)),
    Own("musicgen-stereo", "MusicgenProcessor", "T5TokenizerFast", _T5, _encodec(feature_size=2), calls=_music(2)),
]

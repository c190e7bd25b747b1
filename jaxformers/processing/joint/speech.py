"""Processors of speech and text: what is said, what is to be made of it (SpeechT5), languages (SeamlessM4T)."""

from __future__ import annotations

from typing import Any

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.joint.sharing import shares
from jaxformers.processing.processors import Processor


class Transcribed(Processor):
    """Sound, and what it says."""

    def pad(self, input_features: Any = None, labels: Any = None, **options: Any) -> Features:
        """What calls gave, as one batch.

        Args:
          input_features, labels: fields of sounds, and those of texts, as the parts' `pad` takes them. Of both
            together the ids of texts are `labels`.
          options: of both.

        Raises:
          InputError: neither is given.
        """
        if input_features is None and labels is None:
            raise InputError(self.name, ["input_features or labels must be given"])
        said = None if labels is None else self.tokenizer.pad(labels, **options)
        if input_features is None:
            return Features(said or {})
        other: Any = self.other
        fields = other.pad(input_features, **options)
        return fields if said is None else Features({**fields, "labels": said["input_ids"]})


class SpeechT5(Processor):
    """Reads text or sound, and what is to be made of it: the other one, or the same."""

    def __call__(  # type: ignore[override]
        self,
        audio: Any = None,
        text: Any = None,
        text_target: Any = None,
        audio_target: Any = None,
        sampling_rate: int | None = None,
        **options: Any,
    ) -> Features:
        """`input_values` of sound or `input_ids` of text, a mask; `labels` and `decoder_attention_mask` of a target.

        Without an input the target's own fields.

        Raises:
          InputError: nothing is given, or both text and sound on one side.
        """
        problems = [
            f"{first} or {second} must be given, not both"
            for first, a, second, b in (
                ("audio", audio, "text", text),
                ("audio_target", audio_target, "text_target", text_target),
            )
            if a is not None and b is not None
        ]
        if audio is None and text is None and text_target is None and audio_target is None:
            problems = ["audio, text, audio_target or text_target must be given"]
        if problems:
            raise InputError(self.name, problems)
        other: Any = self.other
        fields = target = None
        if audio is not None:
            fields = other(audio, sampling_rate=sampling_rate, **options)
        elif text is not None:
            fields = self.read(text, **options)
        if audio_target is not None:
            target = other(audio_target=audio_target, sampling_rate=sampling_rate, **options)
        elif text_target is not None:
            target = self.read(text_target, **options)
        if fields is None or target is None:
            return Features(fields or target or {})
        made = {"labels": target["input_values" if text_target is None else "input_ids"]}
        if "attention_mask" in target:
            made["decoder_attention_mask"] = target["attention_mask"]
        return Features({**fields, **made})

    def pad(self, input_values: Any = None, input_ids: Any = None, labels: Any = None, **options: Any) -> Features:
        """What calls gave, as one batch.

        Args:
          input_values, input_ids: fields of sounds or of texts, as the parts' `pad` takes them.
          labels: the same of targets -> `labels` and `decoder_attention_mask`; alone, their own fields.

        Raises:
          InputError: neither is given, or both sounds and texts.
        """
        if input_values is not None and input_ids is not None:
            raise InputError(self.name, ["input_values or input_ids must be given, not both"])
        if input_values is None and input_ids is None and labels is None:
            raise InputError(self.name, ["input_values, input_ids or labels must be given"])
        other: Any = self.other
        fields = target = None
        if input_values is not None:
            fields = other.pad(input_values, **options)
        elif input_ids is not None:
            fields = self.tokenizer.pad(input_ids, **options)
        if labels is not None:
            said = "input_ids" in (labels[0] if isinstance(labels, list) else labels)
            target = (self.tokenizer if said else other).pad(labels, **options)
        if fields is None or target is None:
            return Features(fields or target or {})
        made = {"labels": target["input_ids" if said else "input_values"]}
        if "attention_mask" in target:
            made["decoder_attention_mask"] = target["attention_mask"]
        return Features({**fields, **made})


class SeamlessM4T(Processor):
    """Reads text or sound, of languages that a call may name."""

    def __call__(  # type: ignore[override]
        self,
        text: Any = None,
        audio: Any = None,
        src_lang: str | None = None,
        tgt_lang: str | None = None,
        return_tensors: str | None = None,
        **options: Any,
    ) -> Features:
        """The tokenizer's fields of text, or the extractor's of sound.

        Args:
          src_lang, tgt_lang: codes of the languages of `text` and `text_target`, from this call on.
          options: of the one call; `text_target` among them.

        Raises:
          InputError: neither is given or both are, whose masks have one name.
        """
        theirs, rest = shares(self, options)
        if (audio is None) == (text is None and rest.get("text_target") is None):
            raise InputError(self.name, ["text or audio must be given, not both"])
        if src_lang is not None:
            self.tokenizer.src_lang = src_lang
        if tgt_lang is not None:
            self.tokenizer.tgt_lang = tgt_lang
        if audio is None:
            return Features(self.read(text, return_tensors=return_tensors, **rest))
        return self.seen(audio, return_tensors=return_tensors, **theirs, **rest)

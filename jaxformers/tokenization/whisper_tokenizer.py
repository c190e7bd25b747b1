"""`WhisperTokenizer`: transcripts with times, as labels and as prompts, and made alike for comparison."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from jaxformers.errors import CheckpointError, InputError
from jaxformers.tokenization.decoding import row
from jaxformers.tokenization.fast import FastTokenizer
from jaxformers.tokenization.formats import whisper
from jaxformers.tokenization.spoken_english import spoken_english
from jaxformers.tokenization.spoken_text import spoken
from jaxformers.tokenization.tensors import arrays, check_kind
from jaxformers.tokenization.transcript_chunks import chunks

NORMALIZER = "normalizer.json"


class WhisperTokenizer(FastTokenizer):
    """A tokenizer of transcripts; made by `AutoTokenizer`.

    `language`, `task` and `predict_timestamps` say what labels begin with, see `set_prefix_tokens`;
    `english_spelling_normalizer` is `{word: its usual spelling}` of normalizer.json, or None.
    """

    def __init__(
        self,
        backend: Any,
        settings: Mapping[str, Any] | None = None,
        kind: str = "",
        spelling: Mapping[str, str] | None = None,
    ):
        super().__init__(backend, settings, kind)
        self.english_spelling_normalizer = None if spelling is None else dict(spelling)
        if self.language or self.task or self.predict_timestamps:
            self.set_prefix_tokens()

    @classmethod
    def read(cls, directory: pathlib.Path, backend: Any, settings: Mapping[str, Any], kind: str) -> WhisperTokenizer:
        """The tokenizer of a directory; CheckpointError if normalizer.json holds something else than words."""
        file = directory / NORMALIZER
        if not file.is_file():
            return cls(backend, settings, kind)
        try:
            held = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            held = None
        if not isinstance(held, Mapping) or not all(isinstance(word, str) for word in held.values()):
            raise CheckpointError(str(file), ["must hold one JSON object of words"])
        return cls(backend, settings, kind, held)

    def train_new_from_iterator(self, *texts: Any, **options: Any) -> FastTokenizer:
        """As of any tokenizer; the spellings stay."""
        made: Any = super().train_new_from_iterator(*texts, **options)
        made.english_spelling_normalizer = self.english_spelling_normalizer
        return made

    def _vocabulary_files(self) -> dict[str, str | bytes]:
        held = self.english_spelling_normalizer
        text = json.dumps(held, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        return {**super()._vocabulary_files(), **({} if held is None else {NORMALIZER: text})}

    # -------------------------------------------------------------------------------------------- ids -> text

    def decode(  # type: ignore[override]
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        output_offsets: bool = False,
        time_precision: float = whisper.STEP,
        decode_with_timestamps: bool = False,
        normalize: bool = False,
        basic_normalize: bool = False,
        remove_diacritics: bool = False,
    ) -> Any:
        """The text of a transcript's ids [S], of one window of 30 s or of several in a row.

        Args:
          token_ids: a list, NumPy or JAX array.
          skip_special_tokens: leave out special tokens, and the prompt before the transcript.
          clean_up_tokenization_spaces: undo the spaces before English punctuation; None as the checkpoint says.
          output_offsets: give `{"text", "offsets"}`; offsets are `{"text", "timestamp": (start, end)}` of each stretch
            of speech, in seconds.
          time_precision: seconds from a time to the next.
          decode_with_timestamps: write times as <|1.08|>, counted from the beginning; else they are left out.
          normalize, basic_normalize: the text as `normalize` or `basic_normalize` makes it, if no times are written.
          remove_diacritics: as of `basic_normalize`.

        Raises:
          InputError: ids are no integers, negative, or rows of them.
        """
        ids = row(token_ids)
        if decode_with_timestamps:
            how = {"times": True, "skip_special_tokens": skip_special_tokens}
            text = whisper.decode(self, ids, step=time_precision, **how)
        else:
            said = whisper.without_prompt(self, ids) if skip_special_tokens else ids
            text = self._cleaned(self._text(said, bool(skip_special_tokens)), clean_up_tokenization_spaces)
            if normalize:
                text = self.normalize(text)
            elif basic_normalize:
                text = self.basic_normalize(text, remove_diacritics)
            text = whisper.TIME.sub("", text)
        return {"text": text, "offsets": whisper.segments(self, ids, time_precision)} if output_offsets else text

    def _decode_asr(
        self,
        model_outputs: Iterable[Mapping[str, Any]],
        *,
        return_timestamps: bool | str | None = None,
        return_language: bool | None = None,
        time_precision: float = whisper.STEP,
    ) -> tuple[str, dict[str, Any]]:
        """The text of a recording and its chunks, see `transcript_chunks.chunks`."""
        return chunks(self, model_outputs, return_timestamps, return_language, time_precision)

    def normalize(self, text: str) -> str:
        """English as it is spoken, for comparing transcripts: small letters, numbers in digits, one spelling.

        Raises:
          InputError: the checkpoint has no normalizer.json, which holds the spellings.
        """
        if self.english_spelling_normalizer is None:
            todo = "fetch it from a checkpoint that has it, or set english_spelling_normalizer to {}"
            raise InputError("normalize", [f"{NORMALIZER} must be beside the vocabulary, it tells spellings"], todo)
        return spoken_english(text, self.english_spelling_normalizer)

    @staticmethod
    def basic_normalize(text: str, remove_diacritics: bool = False) -> str:
        """Text of any language as it is spoken: small letters and digits, without marks and, if wanted, accents."""
        return spoken(text, remove_diacritics)

    def timestamp_ids(self, time_precision: float = whisper.STEP) -> list[int]:
        """The ids of the 1501 times of a window."""
        return self.convert_tokens_to_ids([f"<|{i * time_precision:.2f}|>" for i in range(whisper.WINDOW + 1)])

    # -------------------------------------------------------------------------------------------- labels, prompts

    def set_prefix_tokens(
        self, language: str | None = None, task: str | None = None, predict_timestamps: bool | None = None
    ) -> None:
        """What labels begin with from now on; None leaves a thing as it is.

        Args:
          language: its code or English name.
          task: "transcribe" or "translate" (into English).
          predict_timestamps: are there times in the labels?

        Raises:
          InputError: no such language or task, or the vocabulary lacks its token.
        """
        times = self.predict_timestamps if predict_timestamps is None else bool(predict_timestamps)
        language, task = self.language if language is None else language, self.task if task is None else task
        whisper.begin_with(self, language, task, times)

    @property
    def language(self) -> str | None:
        """The language of labels, its code or English name."""
        return self.settings.get("language")

    @property
    def task(self) -> str | None:
        """The task of labels."""
        return self.settings.get("task")

    @property
    def predict_timestamps(self) -> bool:
        """Are there times in labels?"""
        return bool(self.settings.get("predict_timestamps"))

    @property
    def prefix_tokens(self) -> list[int]:
        """The ids that labels begin with."""
        return whisper.prefix(self, self.language, self.task, self.predict_timestamps)

    def get_decoder_prompt_ids(
        self, task: str | None = None, language: str | None = None, no_timestamps: bool = True
    ) -> list[tuple[int, int]]:
        """`set_prefix_tokens`, and the ids behind the first one with their places, `[(1, id), ...]`."""
        self.set_prefix_tokens(language, task, not no_timestamps)
        return list(enumerate(self.prefix_tokens))[1:]

    def get_prompt_ids(self, text: str, return_tensors: str | None = "np") -> Any:
        """The ids [S] of a text that the model is to take as what was said before.

        Raises:
          InputError: there are special tokens in it.
        """
        if return_tensors is not None:
            check_kind(return_tensors)
        ids = self(whisper.PREVIOUS, f" {text.strip()}", add_special_tokens=False)["input_ids"]
        special = next((index for index in ids[1:] if index >= self.all_special_ids[0]), None)
        if special is not None:
            token = self.convert_ids_to_tokens(special)
            raise InputError("get_prompt_ids", [f"text must not hold special tokens, got {token}"])
        return ids if return_tensors is None else arrays({"ids": ids}, return_tensors)["ids"]

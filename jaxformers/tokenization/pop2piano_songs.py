"""`Songs`: token ids of Pop2Piano as notes and MIDI; a base of its tokenizer.

MIDI needs the `pretty_midi` library: `pip install "jaxformers[midi]"`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.fast import FastTokenizer

BEATS = 4  # of a bar
_MASKS = ("attention_mask", "attention_mask_beatsteps", "attention_mask_extrapolated_beatstep")


class Songs(FastTokenizer):
    """What reads ids."""

    def relative_tokens_ids_to_notes(
        self, tokens: Any, start_idx: int, cutoff_time_idx: int | None = None
    ) -> np.ndarray:
        """The notes [N, 4] of token ids [S].

        Args:
          tokens: ids; the token "1_TOKEN_SPECIAL" ends them.
          start_idx: the time that they begin at.
          cutoff_time_idx: the time that the last notes end at, if they do not end before.
        """
        names = {i: token for token, i in self.backend.get_vocab(with_added_tokens=False).items()}
        last = math.inf if cutoff_time_idx is None else cutoff_time_idx
        usual = int(self.settings.get("default_velocity", 77))
        now, struck = start_idx, 0
        down: dict[int, int] = {}
        notes: list[list[int]] = []
        for index in np.asarray(tokens).tolist():
            value, _, kind = names.get(index, f"{self.unk_token}_TOKEN_TIME").partition("_")
            number = int(value)
            if kind == "TOKEN_SPECIAL" and number == 1:
                break
            if kind == "TOKEN_TIME":
                now = int(min(now + number, last))
            elif kind == "TOKEN_VELOCITY":
                struck = number
            elif kind == "TOKEN_NOTE" and number not in down:
                down[number] = now
            elif kind == "TOKEN_NOTE" and down[number] < now:
                notes.append([down.pop(number), now, number, usual])
                down |= {number: now} if struck else {}
        for pitch, onset in sorted(down.items()):
            least = onset + 1 if cutoff_time_idx is None else max(cutoff_time_idx, onset + 1)
            notes.append([onset, max(now, least), pitch, usual])
        held = np.array(notes, np.int64).reshape(-1, 4)
        return held[np.argsort(held[:, 0] * 128 + held[:, 1], kind="stable")]

    def relative_batch_tokens_ids_to_notes(
        self, tokens: Any, beat_offset_idx: int, bars_per_batch: int, cutoff_time_idx: int
    ) -> np.ndarray:
        """The notes [N, 4] of rows of token ids [B, S], each of which goes on `bars_per_batch` bars after the last."""
        starts = [beat_offset_idx + i * bars_per_batch * BEATS for i in range(len(tokens))]
        found = [
            self.relative_tokens_ids_to_notes(row, start, cutoff_time_idx + start)
            for row, start in zip(tokens, starts, strict=True)
        ]
        return np.concatenate([np.zeros((0, 4), np.int64), *found])

    def notes_to_midi(self, notes: Any, beatstep: Any, offset_sec: float = 0.0) -> Any:
        """A `pretty_midi.PrettyMIDI` of notes [N, 4]; `beatstep` [T] is when each step of a beat is, in seconds."""
        midi = _library()
        made, piano = midi.PrettyMIDI(resolution=384, initial_tempo=120.0), midi.Instrument(program=0)
        when = np.asarray(beatstep)
        for onset, offset, pitch, velocity in np.asarray(notes).reshape(-1, 4).tolist():
            times = {"start": when[onset] - offset_sec, "end": when[offset] - offset_sec}
            piano.notes.append(midi.Note(velocity=velocity, pitch=pitch, **times))
        made.instruments.append(piano)
        made.remove_invalid_notes()
        return made

    def relative_batch_tokens_ids_to_midi(
        self,
        tokens: Any,
        beatstep: Any,
        beat_offset_idx: int | None = 0,
        bars_per_batch: int = 2,
        cutoff_time_idx: int = 12,
    ) -> Any:
        """`notes_to_midi` of what `relative_batch_tokens_ids_to_notes` gives, from the beat `beat_offset_idx` on."""
        first = beat_offset_idx or 0
        notes = self.relative_batch_tokens_ids_to_notes(tokens, first, bars_per_batch, cutoff_time_idx)
        return self.notes_to_midi(notes, beatstep, np.asarray(beatstep)[first])

    def batch_decode(  # type: ignore[override]
        self, token_ids: Any, feature_extractor_output: Mapping[str, Any], return_midi: bool = True
    ) -> BatchEncoding:
        """The notes that a model writes.

        Args:
          token_ids: [R, S], the rows of every example, with a row of zeros behind each if there are several.
          feature_extractor_output: what the model was given: `beatsteps` [B, T] and `extrapolated_beatstep` [B, U];
            of several examples also `attention_mask` [R, ...] and the masks of both.
          return_midi: also `pretty_midi_objects`, one an example?

        Returns:
          `notes`, `pretty_midi.Note`s of all examples.

        Raises:
          InputError: rows and examples do not fit, or the `pretty_midi` library is not installed.
        """
        ids, given = np.asarray(token_ids), feature_extractor_output
        beats, longer = (np.asarray(given[name]) for name in ("beatsteps", "extrapolated_beatstep"))
        masks = [np.asarray(given[name]) for name in _MASKS if name in given]
        whole = len(masks) == len(_MASKS)
        ends = np.flatnonzero(masks[0].reshape(len(masks[0]), -1)[:, 0] == 0).tolist() if whole else [len(ids)]
        if not len(beats) == len(longer) == len(ends) or (whole and len(masks[0]) != len(ids)):
            counts = f"{len(ends)} examples of ids, {len(beats)} of beatsteps, {len(longer)} of extrapolated_beatstep"
            todo = f"several examples need {', '.join(_MASKS)}"
            raise InputError("batch_decode", [f"examples must be equally many, got {counts}"], todo)
        notes: list[Any] = []
        songs: list[Any] = []
        bars = int(self.settings.get("num_bars", 2))
        for i, (start, end) in enumerate(zip([0, *(end + 1 for end in ends)], ends, strict=False)):
            rows = ids[start:end]
            eos = np.nonzero(rows == int(str(self.eos_token)))[1]
            rows = rows[:, : eos.max() + 1] if len(eos) else rows
            when, further = beats[i], longer[i]
            if whole:
                when, further = (
                    one[: np.flatnonzero(m[i])[-1] + 1] for one, m in ((when, masks[1]), (further, masks[2]))
                )
            song = self.relative_batch_tokens_ids_to_midi(rows, further, 0, bars, (bars + 1) * BEATS)
            for note in song.instruments[0].notes:
                note.start += when[0]
                note.end += when[0]
                notes.append(note)
            songs.append(song)
        return BatchEncoding({"notes": notes, **({"pretty_midi_objects": songs} if return_midi else {})})


def _library() -> Any:
    try:
        import pretty_midi
    except ImportError:
        problem = "MIDI is made with the pretty_midi library, which is not installed"
        raise InputError("tokenizer", [problem], "pip install 'jaxformers[midi]'") from None
    return pretty_midi

"""Records what the reference's feature extractors make of the tests' sounds: `record_audio.py`.

Whisper's NumPy path is recorded; its torch path computes the same in float32 and differs by rounding.
"""

import json
import pathlib
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from audio.case import CASES, GOLDENS, SOUNDS, digest
from goldens.audio.cases import CASES as FURTHER
from goldens.audio.cases import forms, observed, pads


def spectrograms() -> dict[str, np.ndarray]:
    """The utilities with the options that no extractor uses."""
    from transformers import audio_utils as u

    x, window = SOUNDS["sweep"], u.window_function(400, "hamming")
    filters = u.mel_filter_bank(257, 20, 50.0, 7000.0, 16000, "slaney", "htk")
    return {
        "complex": np.abs(u.spectrogram(x, window, 400, 160, power=None)),
        "twosided": u.spectrogram(x, window, 400, 200, fft_length=512, onesided=False, center=False),
        "decibels": u.spectrogram(x, window, 400, 160, 512, 2.0, mel_filters=filters, log_mel="dB", db_range=40.0),
        "amplitude": u.spectrogram(x, window, 400, 160, 512, 1.0, mel_filters=filters, log_mel="dB", reference=2.0),
        "constant": u.spectrogram(x, window, 400, 100, pad_mode="constant", preemphasis=0.9, remove_dc_offset=True),
        "htk": filters,
        "kaldi": u.mel_filter_bank(129, 12, 20.0, 4000.0, 8000, None, "kaldi", True),
        "slaney": u.mel_filter_bank(201, 80, 0.0, 8000.0, 16000, "slaney", "slaney"),
        "povey": u.window_function(25, "povey", periodic=False, frame_length=40, center=False),
        "chroma": u.chroma_filter_bank(512, 12, 32000),
        "chroma-a": u.chroma_filter_bank(255, 24, 16000, 0.3, 1.0, None, start_at_c_chroma=False),
        "chroma-free": u.chroma_filter_bank(256, 7, 8000, -0.1, None, (4.0, 1.0)),
        "octave": u.hertz_to_octave(np.array([27.5, 440.0, 1000.0]), 0.2, 24),
    }


def single(x: np.ndarray) -> np.ndarray:
    """x, in float32 where whole numbers made Wav2Vec2's extractor give float64: ours gives float32 always."""
    return x.astype(np.float32) if x.dtype == np.float64 else x


def main() -> None:
    import transformers
    from transformers.models.whisper import feature_extraction_whisper as whisper

    transformers.logging.set_verbosity_error()
    whisper.is_torch_available = lambda: False
    held = {"spectrograms": {k: digest(v) for k, v in spectrograms().items()}}
    for case in [*CASES, *FURTHER]:
        with tempfile.TemporaryDirectory() as folder:
            extractor = getattr(transformers, case.reference).from_pretrained(case.write(pathlib.Path(folder)))
            held[case.name] = {k: digest(v) for k, v in observed(extractor, case, ours=False).items()}
    held["pads"] = {
        k: digest(v)
        for k, v in pads(
            transformers.Wav2Vec2FeatureExtractor(padding_value=-2.0),
            transformers.Speech2TextFeatureExtractor(feature_size=10, num_mel_bins=10, padding_side="left"),
        ).items()
    }
    made = {
        "waves": transformers.Wav2Vec2FeatureExtractor(),
        "mels": transformers.WhisperFeatureExtractor(chunk_length=1),
        "energies": transformers.ASTFeatureExtractor(max_length=20),
    }
    held["forms"] = {f"{k}/{name}": digest(single(v)) for k, one in made.items() for name, v in forms(one).items()}
    GOLDENS.mkdir(exist_ok=True)
    text = json.dumps(held, separators=(",", ":"))
    (GOLDENS / "extractors.json").write_text(text + "\n")
    print(len(held), "cases", len(text), "bytes")


if __name__ == "__main__":
    main()

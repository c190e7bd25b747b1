"""Which class prepares sound for which checkpoints."""

from __future__ import annotations

from jaxformers.processing.audio import clap, log_mels, melody, seamless, spectra, univnet, waveforms
from jaxformers.processing.audio.extractor import FeatureExtractor

CLASSES: tuple[type[FeatureExtractor], ...] = (
    waveforms.Wav2Vec2,
    waveforms.Encodec,
    spectra.Whisper,
    spectra.AudioSpectrogram,
    spectra.Speech2Text,
    spectra.SpeechT5,
    clap.Clap,
    seamless.SeamlessM4T,
    univnet.UnivNet,
    log_mels.Clvp,
    log_mels.Tvlt,
    log_mels.MCTCT,
    melody.MusicgenMelody,
)
KINDS = {kind.name: kind for kind in CLASSES}

# model type: the class of its checkpoints whose files name none
MODELS = {
    **dict.fromkeys(
        ("wav2vec2", "hubert", "wavlm", "sew", "sew-d", "unispeech", "unispeech-sat", "data2vec-audio"),
        "Wav2Vec2FeatureExtractor",
    ),
    "wav2vec2-conformer": "Wav2Vec2FeatureExtractor",
    "encodec": "EncodecFeatureExtractor",
    "whisper": "WhisperFeatureExtractor",
    "audio-spectrogram-transformer": "ASTFeatureExtractor",
    "speech_to_text": "Speech2TextFeatureExtractor",
    "speecht5": "SpeechT5FeatureExtractor",
    "clap": "ClapFeatureExtractor",
    "seamless_m4t": "SeamlessM4TFeatureExtractor",
    "seamless_m4t_v2": "SeamlessM4TFeatureExtractor",
    "univnet": "UnivNetFeatureExtractor",
    "clvp": "ClvpFeatureExtractor",
    "tvlt": "TvltFeatureExtractor",
    "mctct": "MCTCTFeatureExtractor",
    "musicgen_melody": "MusicgenMelodyFeatureExtractor",
}

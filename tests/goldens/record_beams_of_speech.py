"""Records the texts that the reference's search finds in logits of speech: `record_beams_of_speech.py`."""

import json
import pathlib
import sys
import tempfile
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from calls import beams
from calls.case import GOLDENS


def main() -> None:
    import transformers
    from pyctcdecode import Alphabet, BeamSearchDecoderCTC

    transformers.logging.set_verbosity_error()
    warnings.simplefilter("ignore")

    def load(model):
        with tempfile.TemporaryDirectory() as folder:
            directory = beams.write(pathlib.Path(folder), model)
            if not model:  # a folder that holds nothing but the alphabet has none
                alphabet = Alphabet(beams.labels(), False)
                extractor = transformers.AutoFeatureExtractor.from_pretrained(directory)
                tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
                decoder = BeamSearchDecoderCTC(alphabet, None)
                return transformers.Wav2Vec2ProcessorWithLM(extractor, tokenizer, decoder)
            return transformers.Wav2Vec2ProcessorWithLM.from_pretrained(directory)

    def search(rows):
        found = BeamSearchDecoderCTC(Alphabet(beams.PIECES, True), None).decode_beams(rows)
        return [(text, words, first, second) for text, _, words, first, second in found]

    file = GOLDENS / "beams.json"
    held = beams.observe(load, search)
    file.write_text(json.dumps(held, ensure_ascii=False, separators=(",", ":"), default=float) + "\n")
    print(file.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

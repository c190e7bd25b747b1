"""Small SentencePiece models, trained on the corpus with the `sentencepiece` library.

Every family of tokenizers expects its own special pieces in front. One model carries the whole NMT-NFKC table of
characters; the others the part of it that the corpus meets, so that they stay small.
"""

import io
import json
import unicodedata

from text.case import FILES
from text.corpus import ODD, PLAIN, SCRIPTS

TEXTS = [t for t in [*PLAIN * 3, *SCRIPTS, *ODD, *(p.lower() for p in PLAIN)] if t.strip()]


def train(**options):
    """A model's bytes; `options` are the trainer's."""
    import sentencepiece

    out = io.BytesIO()
    common = dict(hard_vocab_limit=False, minloglevel=2, num_threads=1, max_sentence_length=100_000)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXTS), model_writer=out, **{**common, "vocab_size": 900, **options}
    )
    return out.getvalue()


def rules(directory: str) -> str:
    """A table of the NMT-NFKC rules for the corpus's characters: one character, or a letter and its marks."""
    marked = (t[i : i + n] for t in TEXTS for n in (1, 2, 3) for i in range(len(t) - n + 1))
    lines = []
    for text in sorted(set(marked)):
        new = unicodedata.normalize("NFKC", text)
        if len(text) > 1 and (len(new) > 1 or any(unicodedata.combining(c) == 0 for c in text[1:])):
            continue
        new = " " if new.isspace() else "" if unicodedata.category(text[0]) in ("Cc", "Cf") else new
        if new != text and "\0" not in text:  # the format ends keys with it
            lines.append(" ".join(f"{ord(c):X}" for c in text) + "\t" + " ".join(f"{ord(c):X}" for c in new))
    file = f"{directory}/rules.tsv"
    with open(file, "w") as f:
        f.write("\n".join(lines) + "\n")
    return file


def small(**options):
    """A model with the small table of characters."""
    import tempfile

    from sentencepiece import sentencepiece_model_pb2

    with tempfile.TemporaryDirectory() as folder:
        made = sentencepiece_model_pb2.ModelProto.FromString(train(normalization_rule_tsv=rules(folder), **options))
    made.normalizer_spec.normalization_rule_tsv = ""  # the folder's name
    return made.SerializeToString()


_FAIRSEQ = dict(unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
_ALBERT = dict(pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, control_symbols=["[CLS]", "[SEP]", "[MASK]"])
_XLNET = dict(
    _FAIRSEQ, control_symbols=["<cls>", "<sep>", "<pad>", "<mask>"], user_defined_symbols=["<eod>", "<eop>", ".", "("]
)
_DEBERTA = dict(pad_id=0, bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]")
_GEMMA = dict(pad_id=0, eos_id=1, bos_id=2, unk_id=3, eos_piece="<eos>", bos_piece="<bos>")
_PLAIN = dict(normalization_rule_name="identity", remove_extra_whitespaces=False)
_BYTES = dict(_PLAIN, model_type="bpe", byte_fallback=True, split_digits=True, vocab_size=1200)

FAIRSEQ = ["<s>", "<pad>", "</s>", "<unk>"]


def pieces(data) -> list[str]:
    """The pieces of a model behind its first three."""
    import sentencepiece

    held = sentencepiece.SentencePieceProcessor(model_proto=data)
    return [held.id_to_piece(i) for i in range(3, len(held))]


def listed(front: list[str], back: list[str], *models: str) -> str:
    """A vocab.json over the pieces of models that are made already."""
    held = [piece for name in models for piece in pieces((FILES / name).read_bytes())]
    return json.dumps({token: i for i, token in enumerate(dict.fromkeys([*front, *held, *back]))}, ensure_ascii=False)


def lines(front: list[str], step: int, count: str = "") -> str:
    """A token a line: every so many pieces of a model, with their letters alone."""
    held = pieces((FILES / "fairseq-nmt-nfkc.model").read_bytes())
    letters = sorted({c for piece in held[::3] for c in piece})
    return "".join(f"{token}{count}\n" for token in dict.fromkeys([*front, *held[::step], *letters]))


MAKERS = {
    "fairseq-nmt-nfkc.model": lambda: train(**_FAIRSEQ, normalization_rule_name="nmt_nfkc"),
    "t5.model": lambda: small(pad_id=0, eos_id=1, unk_id=2, bos_id=-1),
    "albert.model": lambda: small(**_ALBERT, user_defined_symbols=["(", ")", "$"]),
    "xlnet.model": lambda: small(**_XLNET),
    "deberta.model": lambda: small(**_DEBERTA, unk_piece="[UNK]"),
    "identity.model": lambda: train(**_FAIRSEQ, **_PLAIN),
    "llama.model": lambda: train(**_FAIRSEQ, **_BYTES),
    "gemma.model": lambda: train(
        **_GEMMA,
        **_BYTES,
        allow_whitespace_only_pieces=True,
        user_defined_symbols=["<mask>", "<start_of_turn>", "<end_of_turn>", "\n", "\n\n", "▁▁", "▁▁▁"],
    ),
    "char.model": lambda: small(model_type="char", bos_id=0, pad_id=1, eos_id=2, unk_id=3),
    "m2m100.json": lambda: listed(FAIRSEQ, [], "fairseq-nmt-nfkc.model"),
    "marian.json": lambda: listed(["</s>", "<unk>", ">>fra<<"], ["<pad>"], "fairseq-nmt-nfkc.model", "identity.model"),
    "ernie-m.txt": lambda: lines(["[CLS]", "[PAD]", "[SEP]", "[UNK]", "[MASK]"], 1),
    "bartpho.txt": lambda: lines(["▁the"], 2, " 7"),
    "added.json": lambda: json.dumps({"[MASK]": 834, "Hello": 835}),
}

"""BPE over words: one list of merges, and the vocabularies of the classes that read it."""

import functools
import json

from text.corpus import ODD, PLAIN, SCRIPTS

TEXTS = [*PLAIN * 3, *SCRIPTS, *ODD, *(t.lower() for t in PLAIN)]
END = "</w>"
EXTRA = [f"<special{i}>" for i in range(10)]


@functools.cache
def trained() -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Letters, with and without the end of a word, and merges."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE(end_of_word_suffix=END))
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    made.train_from_iterator(TEXTS, trainers.BpeTrainer(vocab_size=1300, limit_alphabet=300, end_of_word_suffix=END))
    model = json.loads(made.to_str())["model"]
    joined = {a + b for a, b in map(tuple, model["merges"])}
    letters = [token for token in sorted(model["vocab"]) if token not in joined]
    return tuple(letters), tuple(map(tuple, model["merges"]))


def ended(special: list[str], last: list[str]) -> str:
    """A vocabulary whose tokens carry the end of a word."""
    letters, merges = trained()
    tokens = dict.fromkeys([*special, *letters, *(a + b for a, b in merges), *last])
    return json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False)


def continued() -> list[str]:
    """Tokens, of which those that go on carry @@."""
    letters, merges = trained()
    tokens = [*letters, *(a + b for a, b in merges)]
    return [t.removesuffix(END) if t.endswith(END) else t + "@@" for t in tokens]


def numbered(tokens) -> str:
    return json.dumps({token: i for i, token in enumerate(dict.fromkeys(tokens))}, ensure_ascii=False)


def lines(header: str = "", count: str = "") -> str:
    return header + "".join(f"{a} {b}{count}\n" for a, b in trained()[1])


def words() -> str:
    """The words that Moses cuts, and their letters."""
    import sacremoses

    cut = sacremoses.MosesTokenizer("en")
    held = [w for text in TEXTS for w in cut.tokenize(text, aggressive_dash_splits=True, escape=False) if len(w) < 20]
    tokens = [t for t in dict.fromkeys(["<eos>", "@,@", "@.@", "@-@", *held, *"abcdeé日"]) if len(t.split()) == 1]
    return "".join(f"{token} 3\n" for token in [*tokens[:40], "<unk>", *tokens[40:700]])


MAKERS = {
    "words.txt": words,
    "word-merges.txt": lambda: lines("#version: 0.2\n"),
    "word-merges-counted.txt": lambda: lines(count=" 7"),
    "gpt.json": lambda: ended(["<unk>"], []),
    "xlm.json": lambda: ended(["<s>", "</s>", "<pad>", "<unk>", *EXTRA], []),
    "fsmt-target.json": lambda: ended(["<s>", "<pad>", "</s>", "<unk>"], ["extra"]),
    "translated.json": lambda: numbered(["<s>", "<pad>", "</s>", "<unk>", *continued()]),
    "ctrl.json": lambda: numbered([*continued(), "<unk>"]),
    "blenderbot-small.json": lambda: numbered(
        ["__null__", "__start__", "__end__", "__unk__", "__newln__", *(t.lower() for t in continued())]
    ),
    "counted.txt": lambda: "".join(f"{token} {len(token)}\n" for token in continued()),
}

"""CPM-Ant's vocabulary: words and letters."""

from text.corpus import PLAIN, SCRIPTS

SPECIAL = ["<d>", "</d>", "<s>", "</s>", "<pad>", "<unk>", "</n>", "</_>"]
WORDS = [
    "你好",
    "世界",
    "今天",
    "天气",
    "公园",
    "中文",
    "混合",
    "Hello",
    "the",
    "ing",
    "er",
    "日本",
    "。。",
    "...",
    "、",
]


def ants() -> str:
    letters = sorted({c for text in [*PLAIN, *SCRIPTS[-10:-6]] for c in text if not c.isspace()})
    return "".join(f"{token}\n" for token in [*SPECIAL, *WORDS, *(c for c in letters if c not in WORDS)])


MAKERS = {"ants.txt": ants}

"""Small dictionaries of Japanese words, so that tests need none of the published ones, which are large."""

from __future__ import annotations

import json
import pathlib
from typing import Any

WORDS = [
    "世界", "日本", "日本語", "こんにちは", "と", "は", "を", "の", "に", "カタカナ", "ひらがな", "漢字",
    "今天", "天气", "公园", "中文", "書名", "混合", "。", "、", "text", "Hello", "the",
]  # fmt: skip
NOUN = "名詞,普通名詞,一般,*,*,*"
COSTS = {"DEFAULT": 300, "SPACE": 300, "KANJI": 500, "HIRAGANA": 400, "KATAKANA": 300, "ALPHA": 300, "NUMERIC": 300}
LETTERS = """
    0x0020 SPACE
    0x0030..0x0039 NUMERIC
    0x0041..0x005A ALPHA
    0x0061..0x007A ALPHA
    0x3041..0x309F HIRAGANA
    0x30A1..0x30FF KATAKANA
    0x4E00..0x9FFF KANJI
"""
# Of letters of a sort: are they sought as words where there are some, are runs one word, how long are the others?
SORTS = {"SPACE": "0 1 0", "KANJI": "0 0 2", "HIRAGANA": "0 1 2"}


def _letters() -> str:
    sorts = "".join(f"{sort} {SORTS.get(sort, '1 1 0')}\n" for sort in COSTS)
    return sorts + "".join(f"{line.strip()}\n" for line in LETTERS.strip().splitlines())


def _write(folder: pathlib.Path, **texts: str) -> None:
    for name, text in {"char": _letters(), "matrix": "1 1\n0 0 0\n", **texts}.items():
        (folder / f"{name}.def").write_text(text, encoding="utf-8")


def mecab(directory: pathlib.Path) -> dict[str, Any]:
    """A dictionary of MeCab in `directory`, and the settings of a tokenizer that uses it."""
    import fugashi

    source, made = directory / "mecab-source", directory / "mecab"
    for folder in (source, made):
        folder.mkdir()
    _write(source, unk="".join(f"{sort},0,0,{cost},{NOUN}\n" for sort, cost in COSTS.items()))
    (source / "lex.csv").write_text("".join(f"{w},0,0,{60 - len(w)},{NOUN}\n" for w in WORDS), encoding="utf-8")
    rules = "cost-factor = 800\nbos-feature = BOS/EOS,*,*,*,*,*\neval-size = 2\nunk-eval-size = 1\n"
    for folder in (source, made):
        (folder / "dicrc").write_text(f"{rules}config-charset = UTF-8\n")
    (made / "mecabrc").write_text("")
    fugashi.build_dictionary(f"mecab-dict-index -f utf8 -t utf8 -d {source} -o {made}")
    return {"mecab_kwargs": {"mecab_dic": None, "mecab_option": f'-d "{made}" -r "{made / "mecabrc"}"'}}


def sudachi(directory: pathlib.Path) -> dict[str, Any]:
    """A dictionary of Sudachi in `directory`, and the settings of a tokenizer that uses it."""
    from sudachipy import sudachipy

    made = directory / "sudachi"
    made.mkdir()
    _write(made, unk="".join(f"{sort},0,0,{10 * cost},{NOUN}\n" for sort, cost in COSTS.items()), rewrite="")

    def row(word: str, cost: int, parts: str = "*") -> str:
        return f"{word},0,0,{cost},{word},{NOUN},{word},{word},*,{'A' if parts == '*' else 'C'},{parts},{parts},*\n"

    rows = [row(w, 1000) for w in WORDS if w != "日本語"] + [
        row("語", 1000),
        row("日本語", 1500, f"1/{len(WORDS) - 1}"),
    ]
    (made / "lex.csv").write_text("".join(rows), encoding="utf-8")
    sudachipy.build_system_dic(
        matrix=made / "matrix.def", lex=[made / "lex.csv"], output=made / "system.dic", description="words of tests"
    )
    plugin = "com.worksap.nlp.sudachi."
    unknown = {"oovPOS": NOUN.split(","), "leftId": 0, "rightId": 0, "cost": 3857}
    config = {
        "systemDict": str(made / "system.dic"),
        "characterDefinitionFile": "char.def",
        "inputTextPlugin": [{"class": f"{plugin}DefaultInputTextPlugin"}],
        "oovProviderPlugin": [
            {"class": f"{plugin}MeCabOovPlugin", "charDef": "char.def", "unkDef": "unk.def"},
            {"class": f"{plugin}SimpleOovPlugin", **unknown},
        ],
        "pathRewritePlugin": [],
    }
    (made / "sudachi.json").write_text(json.dumps(config))
    where = {"sudachi_config_path": made / "sudachi.json", "sudachi_resource_dir": made}
    named = {name: str(path) for name, path in {**where, "sudachi_dict_type": made / "system.dic"}.items()}
    return {"sudachi_kwargs": named}

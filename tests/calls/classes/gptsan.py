"""Japanese texts with prefixes, and dates, prices and addresses that have tokens of their own."""

from typing import Any

from calls.case import plain
from text.case import Case

_FILES = {"vocab.txt": "japanese-subwords.txt", "emoji.json": "emoji.json"}
PLAIN = Case("gptsan", "GPTSanJapaneseTokenizer", _FILES)
NEOX = Case("neox", "GPTNeoXJapaneseTokenizer", _FILES)
SEP = "<|segmenter|>"
CALLS: list[dict[str, Any]] = [
    {"text": "世界"},
    {"text": "世界", "prefix_text": "こんにちは"},
    {"text": "", "prefix_text": "こんにちは"},
    {"text": f"世{SEP}界", "prefix_text": "日本"},
    {"text": f"世{SEP}界", "add_sep_token": True},
    {"text": "世界", "prefix_text": "日本", "add_sep_token": False},
    {"text": "世界", "text_pair": "日本"},
    {"text": "世界", "text_pair": "日本", "add_special_tokens": False, "prefix_text": "a"},
    {"text": "世界", "text_pair": "", "padding": "max_length", "max_length": 12},
    {"text": "日本語の世界", "prefix_text": "こんにちは", "truncation": True, "max_length": 4},
    {"text": ["世界", "は"], "is_split_into_words": True},
    {"text": "世界", "return_special_tokens_mask": True, "return_attention_mask": False},
]
WRITTEN = [
    "https://example.com/a?b=c#d ftp://x.y/(z) http:/no",
    "mail me@example.co.jp or @me a.b+c@d_e-f.g1",
    "TEL (03)1234-5678 090-1234-5678 0312345678 12-34-567",
    "2020年12月31日(木)12:30 2020/1/5 1999-10-15 12月 5月15日12時30分 ㈪ 3/4",
    "令和2年10月30日㈯ 平成31年04月05日(金)10:20 ㍻2年1月1日 昭和60年13月1日",
    "1,000円 12,345万円(税込) 3億5000万ドル 100ユーロ+tax 1,23円 五円 千円 2千万円円",
    "┌─┐█░ <BLOCK><BLOCK>▀ a▟▟b",
    "tabs\tand\r\nlines\rand　spaces — − ¡¿ ǃ ʹ̀ ☃⠓ ⰰ 👍🏽😀😃(^^)",
    "慶応と慶應 １①一1 , ,, 3.14",
    "<|bagoftoken|> 世界<|bagoftoken|>😀<|bagoftoken|><|byte227|><|byte129|><|byte130|><|byte227|><|bagoftoken|>",
    "<SP><BR><TAB><KIGOU><U2000U2BFF><URL><|emoji1|><|nottoken|>",
]


def observe(load) -> dict[str, Any]:
    """What either side makes of the calls and texts."""
    made = load(PLAIN)
    found = {str(n): plain(made(**call)) for n, call in enumerate(CALLS)}
    found["tokens"] = [made.tokenize("世界慶應"), made.tokenize("世界", prefix_text="日本", add_sep_token=True)]
    found["encode"] = made.encode("世界", prefix_text="日本")
    for case in (PLAIN, NEOX):
        for cleans in (False, True):
            tokenizer = load(case, do_clean_text=cleans)
            rows = [tokenizer.encode(text) for text in WRITTEN]
            found[f"{case.name}/{cleans}"] = rows
            found[f"{case.name}/{cleans}/text"] = [tokenizer.decode(row) for row in rows]
            found[f"{case.name}/{cleans}/tokens"] = [tokenizer.convert_ids_to_tokens(row) for row in rows]
    return found

"""English texts that are read aloud: numbers, amounts, years and titles."""

import random
from typing import Any

from text.case import Case

CASE = Case("clvp", "ClvpTokenizer", {"vocab.json": "clvp.json", "merges.txt": "byte-bpe-merges.txt"})
TEXTS = [
    "0 7 10 13 20 21 99 100 101 110 342 999 1000 1001 1234 12345 100000 1000000 1000001",
    "1,000 12,345,678 1,2 1,,2 ,5 5, 1,234.50 0.5 3.14159 1.2.3 .5 5.",
    "$1 $1.00 $1.01 $0.01 $0 $0.00 $2.5 $20.50 $1,000 $1,000.75 $.99 $1.2.3 $007 £5 €3 $x",
    "1st 2nd 3rd 4th 10th 11th 12th 13th 20th 21st 22nd 23rd 100th 101st 111th 112th 1900th 3st 0th",
    "1066 1492 1900 1901 1999 2000 2001 2009 2010 2019 2100 2999 3000 0042 1000s 747s a1b2",
    "999999999999999999 1000000000000000000 " + "9" * 40 + " 123456789012345678",
    'Mr. Smith, Mrs. Jones, Drs. Who, DR. No, St. Co. Jr. Maj. Gen. Rev. "Lt. Hon." Sgt. Capt. Esq. Ltd. Col. Ft. mr',
    "can't  won't\tit's\nthey'll\x1cx naïve café 日本 - -- ... !? 50% #1 a_b",
    "",
    "   ",
]


def texts() -> list[str]:
    """Those, and any numbers, marks and words in a row."""
    rng = random.Random(0)
    parts = ["$", ",", ".", " ", "st", "th", "1", "20", "300", "2005", "1900", "0", "£", "mr.", " co", "a", "-", "'s"]
    rows = ["".join(rng.choice(parts) for _ in range(rng.randint(2, 12))) for _ in range(400)]
    return [*TEXTS, *(row for row in rows if "$," not in row and ".," not in row)]  # where the reference fails


def observe(load) -> dict[str, Any]:
    """What either side reads and writes."""
    tokenizer = load(CASE, clean_up_tokenization_spaces=True)
    ids = [[int(i) for i in tokenizer(text)["input_ids"]] for text in TEXTS]
    return {
        "spelled": [tokenizer.normalizer(text) for text in texts()],
        "ids": ids,
        "texts": [tokenizer.decode([*row, tokenizer.eos_token_id, tokenizer.unk_token_id]) for row in ids],
        "skipped": [tokenizer.decode([*row, tokenizer.eos_token_id], skip_special_tokens=True) for row in ids],
        "tokens": [tokenizer.tokenize(text) for text in TEXTS[:3]],
    }

"""Nougat's pages, as a model may write them."""

import random
from typing import Any

from calls.case import plain
from text.case import Case

CASE = Case("nougat", "NougatTokenizerFast", {"tokenizer.json": "nougat-whole.json"})
_LINES = [
    "# 1 Introduction",
    "## References",
    "#",
    "## 3.1.",
    "### iv. ",
    "# " + "A title that is far too long to be one, as it goes on and on " * 3,
    "The fox, which is quick and brown, jumps over a lazy dog (see _x_ and _y__i_).",
    "(2.3a) \\[a = b + c\\]",
    "\\[a^2 = \\bm{x}\\] (17)",
    "\\[e = m\\] (4) \\[and more\\]",
    "\\mbox{\\boldmath$\\alpha$} is it. \\. Next",
    "See https://example.com/a/b?c=1#d, or ftp://files.example.org/x.",
    "```   algorithm one\n two   ```",
    "- one - two - three",
    "* 1.1 first * 1.2.3 second * other third",
    "- * a b * c d",
    "* [leftmargin=*]",
    "* [12] A. B. C. D. E. F. G. H. I. J. K. L. and so on",
    "* [3][] Author, Title. 1999.",
    "\\begin{table} \\begin{tabular}{l l} a & b \\\\ \\end{tabular} \\end{table} Tab 1",
    "text before \\begin{tabular}{l l}  & \\\\ \\end{tabular}",
    "\\begin{tabular}{lc r}  & &  \\\\ \\end{tabular}",
    "\\begin{array}[]{cc} 1 & 2 \\end{array}",
    "**S. A. B.**",
    ".",
    "Footnote 3: footnotetext: it is so",
    "[FOOTNOTE:4]a note[ENDFOOTNOTE] follows",
    "wide " + "& " * 410,
    "x",
    "",
    "",
    "[MISSING_PAGE_POST:3]",
    "Figure 2: a fox",
    "**bold** İstanbul ends here",
]
_REFERENCE = "* [{}] A. Author and B. Writer, On the habits of foxes, Journal of Nature {}, {}."


def _repeated(rng: random.Random) -> str:
    part = rng.choice(_LINES[6:12]) + " " + rng.choice(_LINES[6:12])
    return part * rng.randint(2, 5) + part[: rng.randint(0, 20)]


def _references(rng: random.Random) -> str:
    first = rng.choice(
        [["## References"], ["## References", ""], ["* [1] Other, Book.", "* [2] Someone, A long book"], []]
    )
    gap = rng.choice([[], [""]])
    same = [line for n in range(rng.randint(8, 25)) for line in (_REFERENCE.format(n, n * 7, 1990 + n), *gap)]
    last = rng.choice([[], ["* [99] Someone else, A book of hens, and of other birds."], ["* [30] A. Author and C."]])
    return "\n".join([*first, *same, *last, *rng.choices(_LINES, k=rng.randint(0, 3))])


def pages(count: int, seed: int = 0) -> list[str]:
    """Pages of lines as a model may write them, some with what repeats."""
    rng = random.Random(seed)
    out = ["", " ", "\n", "A", "word", "a\n\n", *_LINES]
    while len(out) < count:
        lines = rng.choices(_LINES, k=rng.randint(1, 9))
        more = rng.choice([None, None, _repeated, _references])
        if more:
            lines.insert(rng.choice([len(lines), rng.randint(0, len(lines))]), more(rng))
        out.append(rng.choice(["\n", "\n", "\n\n", " "]).join(lines))
    return out


def observe(load) -> dict[str, Any]:
    """What either side makes of the pages."""
    tokenizer = load(CASE)
    texts = pages(130)
    return {
        "pages": tokenizer.post_process_generation(texts),
        "bare": tokenizer.post_process_generation(texts[100:], fix_markdown=False),
        "one": [tokenizer.post_process_generation(texts[-1]), tokenizer.post_process_single(texts[-2])],
        "shared": tokenizer.post_process_generation(texts[-4:], num_workers=2),
        "tables": [tokenizer.correct_tables(text) for text in texts[-30:]],
        "references": [tokenizer.remove_hallucinated_references(text) for text in texts[-30:]],
        "calls": [plain(tokenizer(["A fox 12.", "[START_REF]a[END_REF]"], padding=True))],
        "special": plain(tokenizer.special_tokens_map),
    }

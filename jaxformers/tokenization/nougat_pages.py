"""Pages as a model writes them, made Markdown: the marks that it gets wrong, its lists, tables and formulas.

Paper: https://arxiv.org/abs/2308.13418.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from jaxformers.tokenization.nougat_repeats import remove_hallucinated_references, truncate_repetitions

Rules = Sequence[tuple[re.Pattern[str], str]]


def _rules(*pairs: tuple[str, str], flags: int = 0) -> Rules:
    return [(re.compile(pattern, flags), new) for pattern, new in pairs]


_LINES = re.MULTILINE
_TITLES = _rules((r"(?:\n|^)#+ \d*\W? ?(.{100,})", r"\n\1"))  # no title is as long
_NUMBERED = _rules((r"^#+ (?:[\d+\.]+|[ixv\.]+)?\s*(?:$|\n\s*)", ""), flags=_LINES)  # titles of a number alone
_REFERENCES = _rules(
    (r"^\* \[\d+\](\s?[A-W]\.+\s?){10,}.*$", ""),  # initials without a name
    (r"^(\* \[\d+\])\[\](.*)$", r"\1\2"),
    flags=_LINES,
)
_MARKS = _rules(
    (r"(^\w\n\n|\n\n\w$)", ""),  # a letter alone at either end
    (r"([\s.,()])_([a-zA-Z0-9])__([a-zA-Z0-9]){1,3}_([\s.,:()])", r"\1\(\2_{\3}\)\4"),  # variables in italics
    (r"([\s.,\d])_([a-zA-Z0-9])_([\s.,\d;])", r"\1\(\2\)\3"),
    (r"(\nFootnote .*?:) (?:footnotetext|thanks):\W*(.*(?:\n\n|$))", r"\1 \2"),
    (r"\[FOOTNOTE:.+?\](.*?)\[ENDFOOTNOTE\]", ""),
)
_EMPTY = _rules(  # tables and titles with nothing in them
    (r"\\begin{tabular}{([clr ]){2,}}\s*[& ]*\s*(\\\\)? \\end{tabular}", ""),
    (r"(\*\*S\. A\. B\.\*\*\n+){2,}", ""),
    (r"(?m)^#+( [\[\d\w])?$", ""),
    (r"(?m)^\.\s*$", ""),
    (r"\n{3,}", "\n\n"),
)
_NUMBERS = _rules(  # a formula's number stands in it
    (r"^\(([\d.]+[a-zA-Z]?)\) \\\[(.+?)\\\]$", r"\[\2 \\tag{\1}\]"),
    (r"^\\\[(.+?)\\\] \(([\d.]+[a-zA-Z]?)\)$", r"\[\1 \\tag{\2}\]"),
    (r"^\\\[(.+?)\\\] \(([\d.]+[a-zA-Z]?)\) (\\\[.+?\\\])$", r"\[\1 \\tag{\2}\] \3"),
    flags=_LINES,
)
_LINKS = _rules(
    (r"\\mbox{ ?\\boldmath\$(.*?)\$}", r"\\mathbf{\1}"),
    (
        r"((?:http|ftp|https):\/\/(?:[\w_-]+(?:(?:\.[\w_-]+)+))(?:[\w.,@?^=%&:\/~+#-]*[\w@?^=%&\/~+#-]))",
        r"[\1](\1)",
    ),
    (r"(?s)```\s*(.+?)\s*```", r"```\n\1\n```"),
)
_LEVEL = re.compile(r"^[\dixv]+((?:\.[\dixv])?)+$", re.IGNORECASE | _LINES)


def _apply(rules: Rules, text: str) -> str:
    return functools.reduce(lambda held, rule: rule[0].sub(rule[1], held), rules, text)


def markdown_compatible(text: str) -> str:
    """Formulas with their numbers in them, bold letters, links and code as Markdown has them."""
    text = _apply(_NUMBERS, text)
    text = text.replace(r"\. ", ". ").replace(r"\bm{", r"\mathbf{").replace(r"{\\bm ", r"\mathbf{")
    return _apply(_LINKS, text)


def normalize_list_like_lines(generation: str) -> str:
    """Lists that stand in one line, an item a line; items that begin with numbers such as 1.2 are indented."""
    lines = generation.split("\n")
    for n, line in enumerate(lines):
        mark = re.search(r". ([-*]) ", line)
        if mark is None or line[0] not in "-*":
            continue
        inner, out = f"{mark[1]} ", ""
        for i, item in enumerate(line.split(inner)[1:]):
            number, _, rest = item.strip().partition(" ")
            if rest:
                level = number.count(".") if _LEVEL.match(number) else 0
                dash = inner if i or n == 0 else f"{line[0]} "
                out += "\n" * (i > 0) + "\t" * level + dash + item.strip()
        lines[n] = out + "\n" * (n == len(lines) - 1)
    return "\n".join(lines)


def correct_tables(generation: str) -> str:
    """LaTeX tables on lines of their own; those that are empty, or far too wide to be any, are left out."""
    for line in generation.split("\n"):
        if line.count("\\begin{tabular}") > 15 or line.count("\\multicolumn") > 60 or line.count("&") > 400:
            generation = generation.replace(line, "")
    for first, second in (
        ("\\begin{table}", "\\begin{tabular}"),
        ("\\end{tabular}", "\\end{table}"),
        ("\\end{table}", "Tab"),
    ):
        generation = generation.replace(f"{first} {second}", f"{first}\n{second}")
    generation = re.sub(r"(^.+)\\begin{tab", r"\1\n\\begin{tab", generation, flags=_LINES)
    generation = generation.replace(r"\begin{tabular}{l l}  & \\ \end{tabular}", "")
    return generation.replace("\\begin{tabular}{}\n\n\\end{tabular}", "")


def page(generation: str, fix_markdown: bool = True) -> str:
    """A page that a model wrote, without what it repeats or makes up, as Markdown.

    Args:
      generation: the text of what the model wrote.
      fix_markdown: also `markdown_compatible`.
    """
    text = _apply(_TITLES, generation).strip().replace("\n* [leftmargin=*]\n", "\n")
    text = _apply(_NUMBERED, text)
    before, line, last = text.rpartition("\n")
    if line and last.startswith("#") and last.lstrip("#").startswith(" "):
        text = before  # the title of what is on the next page, if it is any
    text = remove_hallucinated_references(truncate_repetitions(text))
    text = normalize_list_like_lines(_apply(_MARKS, _apply(_REFERENCES, text)))
    text = correct_tables(_ended(text)).replace("\\begin{array}[]{", "\\begin{array}{")
    text = _apply(_EMPTY, text)
    return markdown_compatible(text) if fix_markdown else text


def _ended(text: str) -> str:
    """A text with the white space at its ends that sets it apart from the pages around it."""
    if text.endswith((".", "}")):
        text += "\n\n"
    if re.match(r"[A-Z0-9,;:]$", text):
        return f"{text} "
    if text.startswith(("#", "**", "\\begin")):
        return f"\n\n{text}"
    if text.rpartition("\n")[2].startswith(("#", "Figure", "Table")):
        return f"{text}\n\n"
    words = _english()
    return f"{text} " if words is None or text.rpartition(" ")[2] in words else text


@functools.cache
def _english() -> frozenset[str] | None:
    """The English words that the nltk library has, or None if it, or its list of them, is not there."""
    try:
        import nltk

        return frozenset(nltk.corpus.words.words())
    except (ImportError, LookupError):
        return None

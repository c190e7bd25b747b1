"""`NougatTokenizer`: pages of papers that a model wrote, as Markdown.

Paper: https://arxiv.org/abs/2308.13418.
"""

from __future__ import annotations

import functools
import multiprocessing
from collections.abc import Sequence
from typing import Any

from jaxformers.errors import InputError
from jaxformers.tokenization import nougat_pages, nougat_repeats
from jaxformers.tokenization.fast import FastTokenizer


class NougatTokenizer(FastTokenizer):
    """A tokenizer that also cleans the decoded text of pages.

    A page that ends in a word gets a space, so that the next can follow: in any word, or, where the nltk library and
    its list `words` are installed, in an English one.
    """

    def post_process_generation(
        self, generation: str | Sequence[str], fix_markdown: bool = True, num_workers: int | None = None
    ) -> Any:
        """Decoded pages without what the model repeats or makes up, as Markdown.

        Args:
          generation: the text of a page, or a list of those.
          fix_markdown: put formulas' numbers, bold letters, links and code as Markdown has them.
          num_workers: processes that share the pages of a list; None does them one after the other.

        Returns:
          a text, or a list of texts.

        Raises:
          InputError: pages are not texts, or `num_workers` is no positive number.
        """
        many = isinstance(generation, list | tuple)
        pages: list[Any] = list(generation) if many else [generation]
        if wrong := [p for p in pages if not isinstance(p, str)]:
            raise InputError("post_process_generation", [f"generation must be text, or a list, got {wrong[0]!r:.60}"])
        if num_workers is not None and (type(num_workers) is not int or num_workers < 1):
            problem = f"num_workers must be a whole number of at least 1, got {num_workers!r}"
            raise InputError("post_process_generation", [problem])
        clean = functools.partial(nougat_pages.page, fix_markdown=fix_markdown)
        if many and num_workers is not None:
            # Started afresh: a process that is split off while JAX's threads run may wait for them without end.
            with multiprocessing.get_context("spawn").Pool(num_workers) as pool:
                return pool.map(clean, pages)
        made = [clean(page) for page in pages]
        return made if many else made[0]

    def post_process_single(self, generation: str, fix_markdown: bool = True) -> str:
        """`post_process_generation` of one page."""
        return self.post_process_generation(generation, fix_markdown)

    def correct_tables(self, generation: str) -> str:
        """LaTeX tables on lines of their own; empty ones, and lines far too wide to be tables, are left out."""
        return nougat_pages.correct_tables(generation)

    def remove_hallucinated_references(self, text: str) -> str:
        """A text in which `[MISSING_PAGE_POST]` stands for long lists of references that are all alike."""
        return nougat_repeats.remove_hallucinated_references(text)

"""MarkupLM's processor: web pages, or nodes that were read before, and questions about them."""

from __future__ import annotations

from typing import Any

from jaxformers.errors import InputError
from jaxformers.processing.processors import Processor
from jaxformers.tokenization import BatchEncoding


class MarkupLM(Processor):
    """Reads web pages as long as `parse_html` is on; else nodes and their xpaths are to be given."""

    parse_html = True

    def __call__(  # type: ignore[override]
        self,
        html_strings: Any = None,
        nodes: Any = None,
        xpaths: Any = None,
        node_labels: Any = None,
        questions: Any = None,
        **options: Any,
    ) -> BatchEncoding:
        """The tokenizer's fields of web pages.

        Args:
          html_strings: the text of a page, or a list of them.
          nodes, xpaths, node_labels: as the tokenizer's, where pages are not read.
          questions: one for each page; where pages are read one text will do for one page.
          options: of the tokenizer's call.

        Raises:
          InputError: pages are given where they are not read, or nodes where they are; or as both parts.
        """
        given = {"nodes": nodes, "xpaths": xpaths, "node_labels": node_labels}
        if self.parse_html:
            problems = [] if html_strings is not None else ["html_strings must be given while parse_html is on"]
            rule = "can not be given while parse_html is on"
            problems += [f"{name} {rule}" for name, value in given.items() if value is not None]
        else:
            problems = [f"{name} must be given while parse_html is off" for name in ("nodes", "xpaths")]
            problems = [problem for problem in problems if given[problem.split()[0]] is None]
            problems += ["html_strings can not be given while parse_html is off"] * (html_strings is not None)
        if problems:
            raise InputError(self.name, problems)
        if self.parse_html:
            read = self.other(html_strings)
            nodes, xpaths = read["nodes"], read["xpaths"]
            questions = [questions] if isinstance(questions, str) else questions
        text, pair = (nodes, None) if questions is None else (questions, nodes)
        return self.tokenizer(text, pair, xpaths=xpaths, node_labels=node_labels, **options)

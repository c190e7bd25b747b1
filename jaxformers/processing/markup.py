"""`MarkupLM`: the texts of web pages, and the path of elements that leads to each.

It needs the `beautifulsoup4` library. Paper: https://arxiv.org/abs/2110.08518.
"""

from __future__ import annotations

import html
from typing import Any, ClassVar

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.settings import Configured


class MarkupLM(Configured):
    """Reads web pages; made by `AutoFeatureExtractor`. It has no settings."""

    name: ClassVar[str] = "MarkupLMFeatureExtractor"
    kind_key: ClassVar[str] = "feature_extractor_type"

    def __call__(self, html_strings: Any) -> Features:
        """The nodes of web pages, and their xpaths.

        Args:
          html_strings: the text of a page, or a list of them.

        Returns:
          `nodes`, for each page a list of texts, and `xpaths`, of paths such as "/html/body/div[2]/p".

        Raises:
          InputError: pages are not texts, or the library is not installed.
        """
        pages = list(html_strings) if isinstance(html_strings, list | tuple) else [html_strings]
        if wrong := [page for page in pages if not isinstance(page, str)]:
            raise InputError(self.name, [f"html_strings must be text, or a list of them, got {wrong[0]!r:.60}"])
        read = [_nodes(page) for page in pages]
        return Features({"nodes": [nodes for nodes, _ in read], "xpaths": [paths for _, paths in read]})


def _nodes(page: str) -> tuple[list[str], list[str]]:
    try:
        import bs4
    except ImportError:
        problem = "this class needs the beautifulsoup4 library, which is not installed"
        raise InputError(MarkupLM.name, [problem], "pip install 'jaxformers[html]'") from None
    soup: Any = bs4.BeautifulSoup(page, "html.parser")
    paths: dict[int, str] = {id(soup): ""}  # of elements, by identity: the tree lives as long as this
    for element in soup.find_all(True):  # parents before what they hold
        alike = element.parent.find_all(element.name, recursive=False)
        place = "" if len(alike) == 1 else f"[{next(i for i, one in enumerate(alike, 1) if one is element)}]"
        paths[id(element)] = f"{paths[id(element.parent)]}/{element.name}{place}"
    nodes: list[str] = []
    found: list[str] = []
    for element in soup.descendants:
        if isinstance(element, bs4.element.NavigableString) and type(element.parent) is bs4.element.Tag:
            if text := html.unescape(element).strip():
                nodes.append(text)
                found.append(paths[id(element.parent)])
    return nodes, found

"""`CohereTokenizer`: a chat with tools, or with documents to be cited.

https://docs.cohere.com/docs/prompting-command-r
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from jaxformers.errors import InputError
from jaxformers.tokenization.encoding import BatchEncoding
from jaxformers.tokenization.ends import Ended


class CohereTokenizer(Ended):
    """A tokenizer with chat templates of two further names; made by `AutoTokenizer`."""

    def _call(self, text: Any, text_pair: Any, **options: Any) -> BatchEncoding:
        if options.get("is_split_into_words") and not self.settings.get("add_prefix_space"):
            problem = "texts that are words already need add_prefix_space=True, got False"
            raise InputError("tokenizer", [problem], "pass it to AutoTokenizer.from_pretrained")
        return super()._call(text, text_pair, **options)

    def apply_tool_use_template(
        self, conversation: Sequence[Mapping[str, str]], tools: Sequence[Any], **options: Any
    ) -> Any:
        """`apply_chat_template` with the template "tool_use", which asks for calls of tools."""
        return self.apply_chat_template(conversation, chat_template="tool_use", tools=tools, **options)

    def apply_grounded_generation_template(
        self,
        conversation: Sequence[Mapping[str, str]],
        documents: Sequence[Mapping[str, str]],
        citation_mode: Literal["fast", "accurate"] = "accurate",
        **options: Any,
    ) -> Any:
        """`apply_chat_template` with the template "rag", which asks for an answer that cites documents."""
        more: dict[str, Any] = {"documents": documents, "citation_mode": citation_mode}
        return self.apply_chat_template(conversation, chat_template="rag", **more, **options)

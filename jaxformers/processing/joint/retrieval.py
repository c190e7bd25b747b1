"""ColPali's processor: pages, questions about them, and how well they go together."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxformers.errors import InputError
from jaxformers.processing.features import Features
from jaxformers.processing.images.loading import flat
from jaxformers.processing.joint.sharing import shares
from jaxformers.processing.joint.suffixes import IMAGE, PaliGemma


class ColPali(PaliGemma):
    """Prepares pages or questions as PaliGemma's prompts."""

    def __call__(  # type: ignore[override]
        self,
        images: Any = None,
        text: Any = None,
        suffix: str | None = None,
        return_tensors: str | None = "np",
        **options: Any,
    ) -> Features:
        """`pixel_values` of pages, and the tokenizer's fields of their prompts; or the fields of questions.

        Args:
          images: pages.
          text: a question or a list.
          suffix: what ends questions; ten padding tokens by default.
          options: of both calls. Rows are padded to the longest; `max_length` does not count the tokens of pages.

        Raises:
          InputError: neither is given, or both.
        """
        if (images is None) == (text is None):
            raise InputError(self.name, ["images or text must be given, not both"])
        theirs, rest = shares(self, options)
        suffix = rest.pop("suffix", suffix)
        rest = {"padding": "longest", "return_token_type_ids": False, **rest}
        bos = self.tokenizer.bos_token
        if text is not None:
            ends = (self.tokenizer.pad_token * 10 if suffix is None else suffix) + "\n"
            begins = bos + self.settings.get("query_prefix", "Question: ")
            questions = [begins + one + ends for one in ([text] if isinstance(text, str) else text)]
            return Features(self.read(questions, return_tensors=return_tensors, **{"max_length": 50, **rest}))
        pages = flat(images)
        prompt = self.settings.get("visual_prompt_prefix", "Describe the image.")
        if rest.get("max_length") is not None:
            rest["max_length"] += self.image_seq_length
        prompts = [f"{IMAGE * self.image_seq_length}{bos}{prompt}\n"] * len(pages)
        said = self.read(prompts, return_tensors=return_tensors, **rest)
        return Features({**said, **self.seen(pages, return_tensors=return_tensors, **theirs)})

    def process_images(self, images: Any = None, **options: Any) -> Features:
        """The fields of pages."""
        return self(images=images, **options)

    def process_queries(self, text: Any, **options: Any) -> Features:
        """The fields of questions."""
        return self(text=text, **options)

    def score_retrieval(self, query_embeddings: Any, passage_embeddings: Any, batch_size: int = 128) -> np.ndarray:
        """How well questions go with pages: of each token of a question its best match on a page, added up.

        Args:
          query_embeddings: of questions [S, D] each, a list or one array.
          passage_embeddings: of pages [T, D] each.
          batch_size: so many pages are filled up with zeros together; these may be a token's best match.

        Returns:
          [questions, pages], of the dtype of the questions.

        Raises:
          InputError: there are no questions or no pages, or their vectors differ in length.
        """
        queries, pages = ([np.asarray(one) for one in given] for given in (query_embeddings, passage_embeddings))
        if not queries or not pages or len({one.shape[-1] for one in (*queries, *pages)}) != 1:
            raise InputError(
                self.name, ["there must be questions and pages, vectors of one length, got others or none"]
            )
        columns = []
        for at in range(0, len(pages), batch_size):
            batch = pages[at : at + batch_size]
            most = max(map(len, batch))
            columns += [np.pad(one, ((0, most - len(one)), (0, 0))) for one in batch]
        scores = [[(one @ page.T).max(1).sum() for page in columns] for one in queries]
        return np.asarray(scores, queries[0].dtype)

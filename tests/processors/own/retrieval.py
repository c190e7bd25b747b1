"""ColPali's processor: pages, questions, and how they go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from images.case import PICTURES
from processors.own.case import Own


def _calls(processor: Any, array: Any) -> Iterator[tuple[str, Any]]:
    import PIL.Image

    pages = [PIL.Image.fromarray(x) for x in list(PICTURES.values())[:2]]
    kind = {"return_tensors": "np"}
    yield "pages", processor(images=pages, **kind)
    yield "page", processor.process_images(pages[0], padding="max_length", max_length=20, **kind)
    yield "questions", processor(text=["what is it?", "two cats sat on the mat"], **kind)
    yield "question", processor.process_queries("why?", padding="max_length", **kind)
    ended = {"suffix": " please", "padding": "max_length", "max_length": 30}
    yield "ended", processor.process_queries(["why?", "who is that"], text_kwargs=ended)
    rng = np.random.default_rng(4)
    queries = [array(rng.normal(size=(n, 6)).astype(np.float32)) for n in (3, 5, 4)]
    documents = [array((rng.normal(size=(n, 6)) - 0.4).astype(np.float32)) for n in (4, 9, 2, 7)]
    for size in (128, 2, 1):
        yield f"scores{size}", processor.score_retrieval(queries, documents, batch_size=size)


CASES = [
    Own(
        "colpali",
        "ColPaliProcessor",
        "GemmaTokenizerFast",
        {"tokenizer.model": "gemma.model"},
        {"image_processor_type": "SiglipImageProcessor", "size": {"height": 4, "width": 5}, "image_seq_length": 3},
        {"query_prefix": "Ask: "},
        calls=_calls,
    )
]

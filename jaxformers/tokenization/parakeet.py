"""`ParakeetTokenizer`: text of what a CTC model hears, a token for every frame.

Paper: https://arxiv.org/abs/2305.05084.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from jaxformers.tokenization.fast import FastTokenizer


class ParakeetTokenizer(FastTokenizer):
    """A tokenizer whose decoded text has neither what a model repeats nor its blanks; made by `AutoTokenizer`."""

    def decode(
        self,
        token_ids: Any,
        skip_special_tokens: bool = False,
        clean_up_tokenization_spaces: bool | None = None,
        group_tokens: bool = True,
    ) -> str:
        """The text of a token id for every frame [S]; the padding token is blank.

        Args:
          token_ids, skip_special_tokens, clean_up_tokenization_spaces: as for any tokenizer.
          group_tokens: is a token that is repeated without a blank between one token?

        Raises:
          InputError: as for any tokenizer.
        """
        array = np.atleast_1d(np.asarray(token_ids))
        if array.ndim == 1 and array.dtype.kind in "iu":
            ids = array.tolist()
            ids = [index for index, _ in itertools.groupby(ids)] if group_tokens else ids
            array = np.array([index for index in ids if index != self.pad_token_id], np.int64)
        return super().decode(array, skip_special_tokens, clean_up_tokenization_spaces)

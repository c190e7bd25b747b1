"""Every class of tokenizer, on more than 500 awkward texts: ids, offsets and texts are the reference's."""

import itertools
import warnings

import pytest
from text.case import GOLDENS, cases, observe, unpack
from text.corpus import PAIRS, STRINGS

import jaxformers as jf


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_equals_the_reference(case, tmp_path):
    tokenizer = jf.AutoTokenizer.from_pretrained(case.write(tmp_path))
    wanted = unpack(GOLDENS / f"{case.name}.npz")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = observe(tokenizer, case)
    assert found.keys() == wanted.keys()
    for name, rows in wanted.items():
        texts = PAIRS if name in ("pairs", "types") else STRINGS
        assert len(rows) == len(texts)
        differ = [(t, g, w) for t, g, w in zip(texts, found[name], rows, strict=True) if g != w]
        shown = "\n".join(f"{t!r}\n   got    {g!r}\n   wanted {w!r}" for t, g, w in itertools.islice(differ, 5))
        assert not differ, f"{name} of {len(differ)} of {len(rows)} texts:\n{shown}"


def test_every_golden_has_its_case():
    assert {p.stem for p in GOLDENS.glob("*.npz")} == {case.name for case in cases()}

"""Processors with calls and methods of their own: the reference's fields and readings."""

import json
import warnings

import numpy as np
import pytest
from processors.own import FAMILIES, cases
from processors.own.case import GOLDENS, digest, observe

import jaxformers as jf

CASES = cases()
BY_NAME = {case.name: case for _, case in CASES}
WANTED = {family: json.loads((GOLDENS / f"{family}.json").read_text()) for family in FAMILIES}


@pytest.mark.parametrize(("family", "case"), CASES, ids=[case.name for _, case in CASES])
def test_equals_the_reference(family, case, tmp_path):
    processor = jf.AutoProcessor.from_pretrained(case.write(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = observe(processor, case, np.asarray)
    wanted = WANTED[family][case.name]
    assert found.keys() == wanted.keys()
    for name, one in wanted.items():
        got = digest(found[name])
        assert got["shape"] == one["shape"], name
        if "text" in (got["dtype"], one["dtype"]):
            assert got == one, name
        else:
            assert np.dtype(got["dtype"]).kind == np.dtype(one["dtype"]).kind, name
            np.testing.assert_allclose(got["entries"], one["entries"], rtol=1e-6, atol=1e-6, err_msg=name)
            np.testing.assert_allclose(got["moments"], one["moments"], rtol=1e-6, atol=1e-6, err_msg=name)


def test_every_golden_has_its_case():
    assert {name for held in WANTED.values() for name in held} == BY_NAME.keys()


@pytest.mark.parametrize("name", BY_NAME)
def test_saved_and_read(name, tmp_path):
    made = jf.AutoProcessor.from_pretrained(BY_NAME[name].write(tmp_path))
    made.save_pretrained(tmp_path / "again")
    again = jf.AutoProcessor.from_pretrained(tmp_path / "again")
    assert (type(again), again.name, again.settings) == (type(made), made.name, made.settings)
    if made.other is not None:
        assert again.other.to_dict() == made.other.to_dict()
    if made.tokenizer is not None:
        assert again.tokenizer("two cats sat") == made.tokenizer("two cats sat")

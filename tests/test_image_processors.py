"""Image processors: on pictures drawn here, every class gives the reference's arrays."""

import json

import numpy as np
import pytest
from images.case import GOLDENS, digest, observe
from images.cases import CASES

from jaxformers.processing import AutoImageProcessor

pytest.importorskip("PIL")
WANTED = json.loads((GOLDENS / "processors.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equals_the_reference(case, tmp_path):
    found = observe(AutoImageProcessor.from_pretrained(case.write(tmp_path)), case)
    wanted = WANTED[case.name]
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        got = digest(found[name])
        assert (got["shape"], got["dtype"]) == (value["shape"], value["dtype"]), name
        if value["dtype"] == "text":
            assert got["entries"] == value["entries"], name
            continue
        exact = value["dtype"].startswith(("int", "uint", "bool"))
        for part in ("entries", "moments"):
            np.testing.assert_allclose(
                got[part], value[part], rtol=0 if exact else 1e-6, atol=0 if exact else 1e-6, err_msg=name
            )


def test_every_golden_has_its_case():
    assert WANTED.keys() == {case.name for case in CASES}

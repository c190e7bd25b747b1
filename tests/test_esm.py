"""ESM's contacts, against the reference's values for the same weights."""

import jax
import numpy as np
from test_contract import SUBJECTS

from jaxformers.models.text import esm


def test_contacts_equal_the_reference():
    s = next(s for s in SUBJECTS if (s.model_type, s.case.name, s.head) == ("esm", "rotary", "EsmModel"))
    ids = np.array([[0, 5, 6, 7, 8, 2], [0, 9, 4, 2, 1, 1]])
    mask = np.array([[1] * 6, [1, 1, 1, 1, 0, 0]])
    got = jax.jit(lambda p: esm.predict_contacts(p, s.config, ids, mask))(s.model.params)
    expected = [
        [
            [0.4466273, 0.5709545, 0.52405494, 0.47205225],
            [0.5709545, 0.44374934, 0.4784493, 0.520562],
            [0.52405494, 0.4784493, 0.4933108, 0.5181285],
            [0.47205225, 0.520562, 0.5181285, 0.50322324],
        ],
        [
            [0.4643194, 0.54261595, 0.5034891, 0.5034891],
            [0.54261595, 0.4643194, 0.5034891, 0.5034891],
            [0.5034891, 0.5034891, 0.5034891, 0.5034891],
            [0.5034891, 0.5034891, 0.5034891, 0.5034891],
        ],
    ]
    np.testing.assert_allclose(got, expected, rtol=1e-5)

"""VideoMAE's program is made for a number of hidden tubes: another one must not pass unseen."""

import numpy as np
from test_contract import SUBJECTS


def test_another_number_of_hidden_tubes_gives_nan():
    s = next(s for s in SUBJECTS if (s.model_type, s.case.name, s.head) == ("videomae", "tubes", "VideoMAEModel"))
    hidden = np.arange(18)[None].repeat(2, 0) < 10
    told = s.model(pixel_values=s.inputs["pixel_values"], bool_masked_pos=hidden, num_masked=10)
    assert told.last_hidden_state.shape == (2, 8, 32)
    assert np.isfinite(told.last_hidden_state).all()
    hidden[1, 0] = False
    wrong = s.model(pixel_values=s.inputs["pixel_values"], bool_masked_pos=hidden, num_masked=10)
    assert np.isnan(wrong.last_hidden_state).all()

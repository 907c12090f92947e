from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.encoder.batches import token_batches


@given(st.lists(st.integers(1, 300), max_size=60), st.integers(1, 1000))
@settings(deadline=None, max_examples=200)
def test_every_text_is_in_one_batch_within_the_budget_beside_its_likes(
    lengths: list[int], budget: int
) -> None:
    batches = [batch.tolist() for batch in token_batches(np.array(lengths, dtype=np.int64), budget)]
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= budget
    for longer, shorter in pairwise(batches):
        assert min(lengths[i] for i in longer) >= max(lengths[i] for i in shorter)
        assert (len(longer) + 1) * max(lengths[i] for i in longer) > budget, "a batch is as full as it can be"

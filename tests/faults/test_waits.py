"""The waits of a load: they take as long as there is progress, and say who is missing."""

import pytest
from parley_load import wait_gone

# Seconds without a step after which the waits below fail.
PATIENCE = 0.2


def test_a_wait_goes_on_while_less_is_left():
    """Longer than its patience in all."""
    steps = iter([(2, 9), (2, 8), (1, 50), (1, 49), (0, 2), (0, 0)])
    wait_gone(lambda: next(steps), "the end", lambda: ["nobody"], every=PATIENCE / 2, seconds=PATIENCE)


def test_a_wait_without_progress_says_who_is_missing():
    """Also where what is left goes up and down."""
    left = iter([(2, 9), (1, 9)] + [(2, 0), (1, 9)] * 1000)
    with pytest.raises(AssertionError, match=r"no step towards the end, \(1, 9\) are left of 2:\nanna\nben"):
        wait_gone(lambda: next(left), "the end", lambda: ["anna", "ben"], seconds=PATIENCE)

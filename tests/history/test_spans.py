"""Where silence may be called quiet."""

import pytest

from moodwire.history.spans import UNHEARD, quiet_until
from moodwire.history.store import HOUR

NOON = 1_772_452_800
UNWRITTEN = 300.0


@pytest.mark.parametrize(
    ("listened", "after", "quiet"),
    [
        (HOUR, HOUR + UNWRITTEN, HOUR),
        (HOUR - UNHEARD, 9 * HOUR, HOUR),
        (HOUR - UNHEARD - 1, 9 * HOUR, 0),
        (0, 9 * HOUR, 0),
        (HOUR - UNWRITTEN, HOUR, HOUR - UNWRITTEN),  # over, and not yet all written
        (1_500, 1_800, 1_800 - UNWRITTEN),  # the present hour, heard from its start
        (900, 1_800, 0),  # the present hour, heard from a quarter past or so
        (0, UNWRITTEN, 0),  # it has just begun
        (0, -HOUR, 0),  # the clock was set back
    ],
)
def test_only_an_hour_listened_to_throughout_can_be_quiet(listened, after, quiet):
    assert quiet_until(NOON, listened, NOON + after, UNWRITTEN) == quiet


def test_what_is_written_seldom_is_waited_for():
    """Forty minutes past, heard throughout, and written a quarter past."""
    assert quiet_until(NOON, 900, NOON + 2_400, write_every=1_800) == 600

"""The comparison that the README names runs, and says what the README says."""

import pytest

from tools import side_by_side


@pytest.mark.long  # `make compare` shows the same at any time
def test_our_sessions_do_not_differ_and_those_of_a_watermark_do(remark):
    ours, *naive = side_by_side.compare(persons=400, deliveries=3)
    assert ours[1] == 0
    assert ours[2] > 500
    assert len(naive) == len(side_by_side.LOOKBACKS)
    for way, wrong, count in naive:
        assert 0 < wrong < count, way
    wrong = ", ".join(f"{count:,} ({way})" for way, count, _ in naive)
    remark(f"side by side: 0 of {ours[2]:,} session rows differ, with a watermark {wrong}")

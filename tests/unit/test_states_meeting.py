"""What a start does to the attempt it meets: the whole table."""

from __future__ import annotations

from itertools import product

import pytest

from etl_models.domain.states import INITIAL_EXECUTION_STATES, ExecutionState, execution_may_go
from etl_models.operations.recording.meeting import Meeting, decide

_E = ExecutionState
OVER = {_E.SUCCEEDED, _E.FAILED, _E.CANCELLED, _E.SKIPPED, _E.TIMED_OUT, _E.LOST}
ANYTHING = list(product(ExecutionState, (False, True), (False, True), sorted(INITIAL_EXECUTION_STATES)))


@pytest.mark.parametrize(("state", "has_run", "is_mine", "wanted"), ANYTHING)
def test_every_meeting_keeps_the_promises(
    state: ExecutionState, has_run: bool, is_mine: bool, wanted: ExecutionState
) -> None:
    """A worker's own attempt is never opened anew, a running one never taken away, an ended one never changed."""
    meeting = decide(state, has_run=has_run, is_mine=is_mine, wanted=wanted)
    if is_mine:
        assert meeting in {Meeting.REPEAT, Meeting.BEGIN}
    if meeting is Meeting.BEGIN:
        assert execution_may_go(state, wanted)
        assert state is not _E.LOST or (is_mine and wanted is _E.RUNNING)
    if state in {_E.RUNNING, _E.CANCELLING}:
        assert meeting in {Meeting.JOIN, Meeting.REPEAT}
    if state in OVER and not is_mine:
        assert meeting is Meeting.NEXT
    if state is _E.QUEUED and has_run:
        assert meeting is (Meeting.REPEAT if is_mine else Meeting.NEXT)


@pytest.mark.parametrize(
    ("state", "wanted", "meeting"),
    [
        ("scheduled", "running", Meeting.BEGIN),
        ("scheduled", "queued", Meeting.BEGIN),
        ("scheduled", "scheduled", Meeting.JOIN),
        ("queued", "running", Meeting.BEGIN),
        ("queued", "scheduled", Meeting.JOIN),
        ("running", "queued", Meeting.JOIN),
        ("failed", "queued", Meeting.NEXT),
    ],
)
def test_what_waits_begins_and_never_goes_back(state: str, wanted: str, meeting: Meeting) -> None:
    """An announcement that comes late joins what is further on."""
    assert decide(ExecutionState(state), has_run=False, is_mine=False, wanted=ExecutionState(wanted)) is meeting

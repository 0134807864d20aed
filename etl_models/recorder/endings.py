"""How a block ends: which exception means which state, and what is kept of it.

==========================================  =========  =============================================================
what leaves the block                       state      why
==========================================  =========  =============================================================
nothing                                     succeeded
``SystemExit`` with code 0 or None          succeeded  the program says itself that all is well
``SystemExit`` with 129 and more            cancelled  by convention 128 plus the number of a signal
any other ``SystemExit``                    failed     every scheduler takes such an exit code for a failure
``KeyboardInterrupt``, ``CancelledError``,  cancelled  someone outside ended the work; it did not fail
``GeneratorExit``
any other exception                         failed
==========================================  =========  =============================================================
"""

from __future__ import annotations

import traceback
from asyncio import CancelledError
from dataclasses import dataclass, replace
from typing import TypeAlias

from etl_models.domain.states import ComponentState, ExecutionState
from etl_models.operations.recording.values import Failure

ErrorInput: TypeAlias = BaseException | Failure | str | None
"""What a caller may give as an error."""

_MAX_FRAMES = 50
_FIRST_SIGNAL_CODE = 129
_MAX_TEXT = 1_000_000


@dataclass(frozen=True, slots=True)
class Ending:
    """The state to end in, and what there is to say about it."""

    state: ExecutionState | ComponentState
    reason: str | None = None
    failure: Failure | None = None

    def of_component(self) -> Ending:
        """Return the same ending for a component."""
        return replace(self, state=ComponentState(self.state.value))


def ending_of(error: BaseException | None) -> Ending:
    """Return how a block ends that ``error``, or nothing, leaves."""
    if error is None:
        return Ending(ExecutionState.SUCCEEDED)
    if isinstance(error, SystemExit):
        return _exit(error)
    if isinstance(error, KeyboardInterrupt | CancelledError | GeneratorExit):
        return Ending(ExecutionState.CANCELLED, f"ended by {_type_name(error)}")
    return Ending(ExecutionState.FAILED, None, failure_of(error))


def _exit(error: SystemExit) -> Ending:
    code = error.code
    if code is None or code == 0:
        return Ending(ExecutionState.SUCCEEDED, "the program exited with code 0")
    if isinstance(code, int) and code >= _FIRST_SIGNAL_CODE:
        return Ending(ExecutionState.CANCELLED, f"the program exited with code {code}")
    shown = f"code {code}" if isinstance(code, int) else "a message"
    return Ending(ExecutionState.FAILED, f"the program exited with {shown}", failure_of(error))


def failure_of(error: object) -> Failure | None:
    """Return what is recorded of an exception or a text; never raises, whatever the exception's own methods do."""
    if error is None or isinstance(error, Failure):
        return error
    if isinstance(error, str):
        return Failure(None, error, None)
    if not isinstance(error, BaseException):  # whatever a framework's callback hands over
        return Failure(_type_name(error), _text(error), None)
    return Failure(_type_name(error), _text(error), _traceback(error))


def _type_name(error: object) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _text(error: object) -> str:
    try:
        return str(error)[-_MAX_TEXT:]
    except Exception as problem:  # noqa: BLE001  (an exception that cannot say what it is)
        return f"[its text raised {type(problem).__name__}]"


def _traceback(error: BaseException) -> str | None:
    if error.__traceback__ is None and error.__cause__ is None and error.__context__ is None:
        return None
    try:
        return "".join(traceback.format_exception(error, limit=-_MAX_FRAMES))[-_MAX_TEXT:]
    except Exception:  # noqa: BLE001  (as above)
        return "".join(traceback.format_tb(error.__traceback__, limit=-_MAX_FRAMES))

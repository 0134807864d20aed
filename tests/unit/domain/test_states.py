"""The state tables agree with themselves."""

from etl_models.domain.states import (
    CLOSING_COMPONENTS,
    COMPONENT_TRANSITIONS,
    EXECUTION_TRANSITIONS,
    INITIAL_EXECUTION_STATES,
    TERMINAL_COMPONENT_STATES,
    TERMINAL_EXECUTION_STATES,
    ComponentState,
    ExecutionState,
    component_may_go,
    execution_may_go,
)


def test_every_state_has_its_row() -> None:
    """A state added without its transitions would be missed here."""
    assert set(EXECUTION_TRANSITIONS) == set(ExecutionState)
    assert set(COMPONENT_TRANSITIONS) == set(ComponentState)


def test_terminal_states_are_final_save_lost() -> None:
    """Only lost, a guess from outside, can be overturned."""
    for state in TERMINAL_EXECUTION_STATES - {ExecutionState.LOST}:
        assert not EXECUTION_TRANSITIONS[state]
    for component_state in TERMINAL_COMPONENT_STATES - {ComponentState.LOST}:
        assert not COMPONENT_TRANSITIONS[component_state]
    assert execution_may_go(ExecutionState.LOST, ExecutionState.SUCCEEDED)


def test_every_state_can_be_reached() -> None:
    """From the initial states every execution state can come about."""
    reached = set(INITIAL_EXECUTION_STATES)
    while new := {target for state in reached for target in EXECUTION_TRANSITIONS[state]} - reached:
        reached |= new
    assert reached == set(ExecutionState)


def test_no_state_follows_itself() -> None:
    """Repeating an event is no transition."""
    assert not any(execution_may_go(state, state) for state in ExecutionState)
    assert not any(component_may_go(state, state) for state in ComponentState)


def test_closing_an_attempt_closes_components_by_allowed_transitions() -> None:
    """Both closing states are terminal and allowed from running and pending."""
    for running, pending in CLOSING_COMPONENTS.values():
        assert component_may_go(ComponentState.RUNNING, running)
        assert component_may_go(ComponentState.PENDING, pending)
        assert {running, pending} <= TERMINAL_COMPONENT_STATES

"""What the shell completes: commands, options, states, and names from the store; silently nothing in trouble."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.database("sqlite")


@pytest.fixture
def complete(process):
    """Asks as bash does for what could stand at the end of a line."""

    def ask(line, **environment):
        words = line.split(" ")
        result = process(
            COMP_WORDS=line,
            COMP_CWORD=str(len(words) - 1),
            _ETL_MODELS_COMPLETE="complete_bash",
            **environment,
        )
        assert result.code == 0, result
        assert result.err == ""
        return result.out.split()

    return ask


def test_commands_options_and_states_are_completed(complete):
    """Without any store."""
    assert complete("etl-models exe") == ["executions"]
    assert complete("etl-models executions s") == ["show", "stats", "start"]
    assert "--since" in complete("etl-models executions list --si")
    assert complete("etl-models executions list --state f") == ["failed"]
    assert complete("etl-models executions stats --by nominal_d") == ["nominal_day"]


def test_names_come_from_the_store(registered, complete):
    """Jobs, components, dataclasses, metrics, tags and ids of executions."""
    url = {"ETL_MODELS_DATABASE_URL": registered}
    assert complete("etl-models jobs show fl", **url) == ["flights/load-flights"]
    assert complete("etl-models executions list --job f", **url) == ["flights/load-flights"]
    assert complete("etl-models tags show te", **url) == ["team=ops"]
    assert complete("etl-models components show cl", **url) == ["clean"]
    assert complete(f"etl-models --database-url {registered} dataclasses show f") == ["flights/raw_flight"]


def test_trouble_is_silent(complete, here):
    """No store, an unreachable one, a broken setting: nothing is completed, nothing is said, nothing is made."""
    assert complete("etl-models jobs show f") == []
    assert complete("etl-models jobs show f", ETL_MODELS_DATABASE_URL="nonsense://") == []
    assert list(here.iterdir()) == []

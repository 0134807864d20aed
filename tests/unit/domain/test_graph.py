"""Graphs of components."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from etl_models.domain.graph import downstream_of, find_cycle, topological_order

UPSTREAMS = {"extract": [], "weather": [], "clean": ["extract"], "join": ["clean", "weather"], "load": ["join"]}


def test_an_order_puts_every_component_after_its_upstreams() -> None:
    """Ties keep the order of the definition."""
    assert topological_order(UPSTREAMS) == ["extract", "weather", "clean", "join", "load"]


def test_a_cycle_is_shown_as_a_path_along_the_data() -> None:
    """Each name of the path is an upstream of the next, and the first is repeated at the end."""
    upstreams = {"a": ["c"], "b": ["a"], "c": ["b"], "d": ["a"]}
    cycle = find_cycle(upstreams)
    assert cycle is not None
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"a", "b", "c"}
    assert all(first in upstreams[second] for first, second in itertools.pairwise(cycle))


def test_downstream_is_everything_that_depends_on_it() -> None:
    """What failed and its siblings are not downstream of it."""
    assert downstream_of(["clean"], UPSTREAMS) == {"join", "load"}
    assert downstream_of(["load"], UPSTREAMS) == set()


@given(st.dictionaries(st.integers(0, 8).map(str), st.lists(st.integers(0, 8).map(str), max_size=4), max_size=9))
def test_a_graph_has_a_cycle_or_an_order(upstreams: dict[str, list[str]]) -> None:
    """Exactly one of both, for any graph."""
    if (cycle := find_cycle(upstreams)) is not None:
        assert all(first in upstreams[second] for first, second in itertools.pairwise(cycle))
    else:
        order = topological_order(upstreams)
        assert all(order.index(up) < order.index(name) for name, ups in upstreams.items() for up in ups)

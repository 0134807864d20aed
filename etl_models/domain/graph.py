"""Directed graphs of names: cycles and orders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def find_cycle(upstreams: Mapping[str, Iterable[str]]) -> list[str] | None:
    """Return one cycle as a path in the direction of the data, first name repeated at the end, or None.

    ``upstreams`` maps a name to the names it depends on.
    """
    sorter = TopologicalSorter(upstreams)
    try:
        sorter.prepare()
    except CycleError as error:
        cycle: list[str] = list(error.args[1])
        return cycle
    return None


def topological_order(upstreams: Mapping[str, Iterable[str]]) -> list[str]:
    """Return the names with every name after all it depends on; ties keep the order of ``upstreams``.

    Raises :class:`graphlib.CycleError` when there is a cycle: call :func:`find_cycle` first.
    """
    sorter = TopologicalSorter({name: tuple(ups) for name, ups in upstreams.items()})
    rank = {name: index for index, name in enumerate(upstreams)}
    order: list[str] = []
    sorter.prepare()
    while sorter.is_active():
        ready = sorted(sorter.get_ready(), key=lambda name: rank.get(name, len(rank)))
        order.extend(ready)
        sorter.done(*ready)
    return order


def downstream_of(starts: Iterable[str], upstreams: Mapping[str, Iterable[str]]) -> set[str]:
    """Return every name that depends, directly or not, on one of ``starts`` (those not included)."""
    children: dict[str, list[str]] = {}
    for name, ups in upstreams.items():
        for up in ups:
            children.setdefault(up, []).append(name)
    found: set[str] = set()
    pending = list(starts)
    while pending:
        for child in children.get(pending.pop(), ()):
            if child not in found:
                found.add(child)
                pending.append(child)
    return found

"""Facts noted since the last write. What could not be written comes back, up to a limit."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping

from etl_models.operations.recording.facts import BATCH
from etl_models.operations.recording.values import Facts, Sample, Use

MAX_SAMPLES = 100_000
"""Samples kept while the store is away, some 30 MB; of more, the oldest are dropped."""


class Buffer:
    """Collects facts; threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: deque[Sample] = deque()
        self._uses: dict[Use, None] = {}
        self._tags: dict[str, str] = {}

    def add_sample(self, sample: Sample) -> int:
        """Keep a sample; returns how many had to be dropped for it."""
        with self._lock:
            self._samples.append(sample)
            return self._shorten()

    def add_uses(self, uses: tuple[Use, ...]) -> None:
        """Keep datasets, each once."""
        with self._lock:
            self._uses |= dict.fromkeys(uses)

    def add_tags(self, tags: Mapping[str, str]) -> None:
        """Keep tags, the last value of each key."""
        with self._lock:
            self._tags |= tags

    @property
    def is_full(self) -> bool:
        """Whether there is a whole batch of samples."""
        return len(self._samples) >= BATCH

    def __bool__(self) -> bool:
        return bool(self._samples or self._uses or self._tags)

    def take(self) -> Facts:
        """Hand out everything and be empty."""
        with self._lock:
            facts = Facts(tuple(self._samples), tuple(self._uses), dict(self._tags))
            self._samples.clear()
            self._uses.clear()
            self._tags.clear()
        return facts

    def put_back(self, facts: Facts) -> int:
        """Take back what was not written, before what came since; returns how many samples had to be dropped."""
        with self._lock:
            self._samples.extendleft(reversed(facts.samples))
            self._uses = dict.fromkeys((*facts.uses, *self._uses))
            self._tags = {**facts.tags, **self._tags}
            return self._shorten()

    def _shorten(self) -> int:
        excess = max(0, len(self._samples) - MAX_SAMPLES)
        for _ in range(excess):
            self._samples.popleft()
        return excess

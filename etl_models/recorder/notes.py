"""What a worker notes: numbers, datasets and tags, checked when they are noted and kept until they are written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from etl_models.domain.vocabulary import DataDirection
from etl_models.operations.recording.cleaning import check_tags
from etl_models.operations.recording.dataset_names import parse_dataset
from etl_models.operations.recording.measuring import measure
from etl_models.operations.recording.values import Facts, Use
from etl_models.recorder.buffer import Buffer
from etl_models.recorder.ledger import Ledger
from etl_models.recorder.steady import SteadyClock


class Notes:
    """The notes about one execution or one component execution. A bad argument is a mistake in the ledger."""

    def __init__(self, ledger: Ledger, clock: SteadyClock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._buffer = Buffer()

    def metric(self, name: str, value: object) -> None:
        """Note a number."""
        try:
            sample = measure(name, value, sequence=self._clock.next_sequence(), recorded_at=self._clock.now())
        except Exception as error:  # noqa: BLE001  (a number's own methods may raise anything)
            self._ledger.mistake(error)
        else:
            self._ledger.skipped(self._buffer.add_sample(sample))

    def uses(self, datasets: Iterable[str | os.PathLike[str]], direction: DataDirection) -> None:
        """Note datasets."""
        names = (self._ledger.tolerated(parse_dataset, dataset, None) for dataset in datasets)
        self._buffer.add_uses(tuple(Use(name, direction) for name in names if name is not None))

    def tags(self, names: Iterable[str | Mapping[str, object]], values: Mapping[str, object]) -> None:
        """Note tags."""
        self._buffer.add_tags(self._ledger.tolerated(check_tags, [*names, values], {}))

    @property
    def is_full(self) -> bool:
        """Whether there is enough to be worth a transaction of its own."""
        return self._buffer.is_full

    def __bool__(self) -> bool:
        return bool(self._buffer)

    def take(self) -> Facts:
        """Hand out everything noted since the last time."""
        return self._buffer.take()

    def put_back(self, facts: Facts) -> None:
        """Take back what was not written."""
        self._ledger.skipped(self._buffer.put_back(facts))

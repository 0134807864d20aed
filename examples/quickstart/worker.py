"""A worker in one file: reads a CSV file, checks it, writes another, and records what it did.

Run it with no argument to load every file in ``orders/``, or with days::

    python worker.py 2026-01-05

The history goes where ETL_MODELS_DATABASE_URL says, by default to etl_models.db in the current directory.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

from etl_models import Store

HERE = Path(__file__).resolve().parent


def load(store: Store, day: str) -> None:
    """Load the orders of one day, as one execution of the job with the day as its key."""
    source, target = HERE / "orders" / f"{day}.csv", HERE / "totals" / f"{day}.csv"
    with store.recorder.execution("shop/load-orders", key=day, parameters={"day": day}) as execution:
        with execution.component("read") as read:
            with source.open(newline="", encoding="utf-8") as file:
                orders = list(csv.DictReader(file))
            read.metric("rows_out", len(orders))
            read.reads("shop/orders")

        with execution.component("check") as check:
            priced = [order for order in orders if order["amount"]]
            rejected = len(orders) - len(priced)
            check.metrics(rows_in=len(orders), rows_out=len(priced), rows_rejected=rejected)
            if rejected > len(orders) / 2:
                raise ValueError(f"{rejected} of {len(orders)} orders of {day} have no amount")

        with execution.component("write") as write:
            totals: defaultdict[str, float] = defaultdict(float)
            for order in priced:
                totals[order["customer"]] += float(order["amount"])
            target.parent.mkdir(exist_ok=True)
            with target.open("w", newline="", encoding="utf-8") as file:
                rows = [(customer, f"{total:.2f}") for customer, total in sorted(totals.items())]
                csv.writer(file, lineterminator="\n").writerows([("customer", "total"), *rows])
            write.metric("rows_out", len(totals))
            write.writes("shop/totals")


def main(days: list[str]) -> int:
    """Load the given days, by default all there are; returns 1 when one of them failed."""
    failed = 0
    with Store() as store:
        store.catalog.apply(HERE / "job.yaml")
        for day in days or sorted(path.stem for path in (HERE / "orders").glob("*.csv")):
            try:
                load(store, day)
            except (OSError, ValueError) as error:
                failed += 1
                print(f"{day} failed: {error}", file=sys.stderr)
            else:
                print(f"{day} loaded")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

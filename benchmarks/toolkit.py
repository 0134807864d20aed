"""The toolkit beside advanced-alchemy, plain SQLModel sessions and SQLAlchemy Core, in one run on one database.

    python -m benchmarks.toolkit [URL...] [--rows 100000] [--rounds 5] [--only bulk]

Without a URL: a new SQLite file, then a throw-away PostgreSQL. advanced-alchemy comes with the extra ``bench``; without
it its column stays empty, which is said loudly. Contenders take turns; figures are medians of the processor seconds of
this process, ratios are to Core. Each contender has the same columns in a table of its own.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import Field, SQLModel, col

from etl_models.db import ModelSerializer, Repository, UUIDTimestampedBase, uuid7
from etl_models.db.engine import build_engine
from etl_models.db.target import Target

ROUNDS = 5
LEAST = 500


class Ours(UUIDTimestampedBase, table=True):
    """Our contender."""

    __tablename__ = "bench_ours"
    name: str = Field(max_length=100, unique=True)
    budget: int = Field(default=0, index=True)
    note: str = Field(default="", max_length=200)


class Plain(SQLModel, table=True):
    """SQLModel as its documentation has it."""

    if TYPE_CHECKING:
        __table__: ClassVar[sa.Table]
    __tablename__ = "bench_plain"
    id: uuid.UUID = Field(default_factory=uuid7, primary_key=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC), index=True)
    updated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    name: str = Field(max_length=100, unique=True)
    budget: int = Field(default=0, index=True)
    note: str = Field(default="", max_length=200)


core_metadata = sa.MetaData()
core = sa.Table(
    "bench_core",
    core_metadata,
    *(
        sa.Column(column.name, column.type, nullable=False, primary_key=column.primary_key)
        for column in Ours.__table__.c
    ),
    sa.UniqueConstraint("name"),
    sa.Index("ix_bench_core_created_at", "created_at"),
    sa.Index("ix_bench_core_budget", "budget"),
)


@cache
def _alchemy() -> tuple[Any, Any] | None:
    try:
        from advanced_alchemy.base import UUIDv7AuditBase
        from advanced_alchemy.repository import SQLAlchemySyncRepository
    except ImportError:
        return None
    from sqlalchemy.orm import Mapped, mapped_column

    model: Any = type(
        "Alchemy",
        (UUIDv7AuditBase,),
        {
            "__tablename__": "bench_alchemy",
            "__annotations__": {"name": Mapped[str], "budget": Mapped[int], "note": Mapped[str]},
            "name": mapped_column(sa.String(100), unique=True),
            "budget": mapped_column(sa.BigInteger, default=0, index=True),
            "note": mapped_column(sa.String(200), default=""),
        },
    )
    return model, type("AlchemyRepository", (SQLAlchemySyncRepository,), {"model_type": model})


def _rows(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [
        {"name": f"name {number}", "budget": number % 1000, "note": "n" * 40} for number in range(start, start + count)
    ]


def _core_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    # What a careful user of Core writes: keys and times made by the client.
    now = datetime.now(UTC)
    return [{"id": uuid7(), "created_at": now, "updated_at": now, **row} for row in rows]


class Bench:
    """One database with the four tables."""

    def __init__(self, url: str, rows: int, singles: int, rounds: int) -> None:
        self.engine = build_engine(Target.parse(url))
        self.rows, self.singles, self.rounds = rows, singles, rounds
        self.alchemy = _alchemy()
        self.reset()

    def reset(self) -> None:
        """Empty tables."""
        metadata = [Ours.metadata, Plain.metadata, core_metadata]
        if self.alchemy:
            metadata.append(self.alchemy[0].metadata)
        with self.engine.begin() as connection:
            for item in metadata:
                tables = [table for table in item.tables.values() if table.name.startswith("bench_")]
                item.drop_all(connection, tables)
                item.create_all(connection, tables)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session whose work is committed."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def alchemists(self, session: Session) -> Any:
        """A repository of advanced-alchemy."""
        assert self.alchemy
        return self.alchemy[1](session=session)

    def compare(self, what: str, **contenders: Callable[[Session], Any] | None) -> None:
        """Measure the contenders in turn, each in a transaction that is rolled back."""
        times: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(self.rounds):
            for name, work in contenders.items():
                if work is not None:
                    times[name].append(self._measure(work))
        medians = {name: statistics.median(taken) if taken else None for name, taken in times.items()}
        base = medians["core"] or 1.0
        cells = "  ".join(
            f"{name} {'-':>17}" if took is None else f"{name} {took:8.3f} s {took / base:6.2f}x"
            for name, took in medians.items()
        )
        print(f"{what:<24}{cells}", flush=True)

    def _measure(self, work: Callable[[Session], Any]) -> float:
        gc.collect()
        with Session(self.engine, expire_on_commit=False) as session:
            session.connection()
            started = time.process_time()
            work(session)
            took = time.process_time() - started
            session.rollback()
        return took

    # -- the comparisons -----------------------------------------------------------------------------------------------

    def create(self) -> None:
        """Rows one by one, each flushed."""
        rows = _rows(self.singles, start=10**7)

        def plain(session: Session) -> None:
            for row in rows:
                session.add(Plain(**row))
                session.flush()

        def alchemy(session: Session) -> None:
            repository = self.alchemists(session)
            for row in rows:
                repository.add(self.alchemy[0](**row))  # type: ignore[index]

        def ours(session: Session) -> None:
            repository = Repository(session, Ours)
            for row in rows:
                repository.create(row)

        def by_core(session: Session) -> None:
            connection = session.connection()
            for row in _core_rows(rows):
                connection.execute(sa.insert(core), row)

        self.compare(
            f"create x{self.singles}",
            core=by_core,
            ours=ours,
            alchemy=alchemy if self.alchemy else None,
            sqlmodel=plain,
        )

    def get(self) -> None:
        """Rows by their ids, in a session that has not seen them."""
        tables = [core, Ours.__table__, Plain.__table__, *([self.alchemy[0].__table__] if self.alchemy else [])]
        with self.engine.connect() as connection:
            ids: dict[str, list[Any]] = {
                table.name: list(connection.execute(sa.select(table.c.id).limit(self.singles)).scalars())
                for table in tables
            }

        def by_core(session: Session) -> None:
            connection = session.connection()
            for ident in ids["bench_core"]:
                connection.execute(sa.select(core).where(core.c.id == ident)).one()

        def ours(session: Session) -> None:
            repository = Repository(session, Ours)
            for ident in ids["bench_ours"]:
                repository.get(ident)

        def plain(session: Session) -> None:
            for ident in ids["bench_plain"]:
                session.get(Plain, ident)

        def alchemy(session: Session) -> None:
            repository = self.alchemists(session)
            for ident in ids["bench_alchemy"]:
                repository.get(ident)

        self.compare(
            f"get x{self.singles}", core=by_core, ours=ours, alchemy=alchemy if self.alchemy else None, sqlmodel=plain
        )

    def search(self) -> None:
        """A page of 20 and the total, a hundred times."""
        pages = range(0, 2000, 20)

        def by_core(session: Session) -> None:
            connection = session.connection()
            for offset in pages:
                where = core.c.budget >= LEAST
                connection.execute(sa.select(sa.func.count()).select_from(core).where(where)).scalar()
                connection.execute(sa.select(core).where(where).order_by(core.c.id).limit(20).offset(offset)).all()

        def ours(session: Session) -> None:
            repository = Repository(session, Ours)
            for offset in pages:
                repository.search(budget__gte=LEAST, limit=20, offset=offset)

        def plain(session: Session) -> None:
            for offset in pages:
                where = col(Plain.budget) >= LEAST
                session.scalar(sa.select(sa.func.count()).select_from(Plain).where(where))
                session.scalars(sa.select(Plain).where(where).order_by(col(Plain.id)).limit(20).offset(offset)).all()

        def alchemy(session: Session) -> None:
            from advanced_alchemy.filters import LimitOffset, OrderBy

            model, repository = self.alchemy[0], self.alchemists(session)  # type: ignore[index]
            for offset in pages:
                repository.list_and_count(LimitOffset(20, offset), OrderBy("id"), model.budget >= LEAST)

        self.compare(
            "search page x100", core=by_core, ours=ours, alchemy=alchemy if self.alchemy else None, sqlmodel=plain
        )

    def bulk_create(self) -> None:
        """Many rows at once."""
        rows = _rows(self.rows, start=10**6)

        def plain(session: Session) -> None:
            session.add_all([Plain(**row) for row in rows])
            session.flush()

        def alchemy(session: Session) -> None:
            self.alchemists(session).add_many([self.alchemy[0](**row) for row in rows])  # type: ignore[index]

        self.compare(
            f"bulk_create x{self.rows}",
            core=lambda session: session.connection().execute(sa.insert(core), _core_rows(rows)),
            ours=lambda session: Repository(session, Ours).bulk_create(rows),
            alchemy=alchemy if self.alchemy else None,
            sqlmodel=plain,
        )

    def bulk_upsert(self) -> None:
        """Many rows at once, half of them there already."""
        rows = _rows(self.rows, start=self.rows // 2)
        from etl_models.db.upsert import upsert

        statement = upsert(self.engine.dialect.name, core, ["name"], ["budget", "note"])

        def alchemy(session: Session) -> None:
            instances = [self.alchemy[0](**row) for row in rows]  # type: ignore[index]
            self.alchemists(session).upsert_many(instances, match_fields=["name"])

        def plain(session: Session) -> None:
            found: dict[str, Plain] = {}
            for start in range(0, len(rows), 500):
                names = [row["name"] for row in rows[start : start + 500]]
                found |= {row.name: row for row in session.scalars(sa.select(Plain).where(col(Plain.name).in_(names)))}
            for row in rows:
                if (held := found.get(row["name"])) is None:
                    session.add(Plain(**row))
                else:
                    held.sqlmodel_update(row)
            session.flush()

        self.compare(
            f"bulk_upsert x{self.rows}",
            core=lambda session: session.connection().execute(statement, _core_rows(rows)),
            ours=lambda session: Repository(session, Ours).bulk_upsert(rows, match=["name"]),
            alchemy=alchemy if self.alchemy else None,
            sqlmodel=plain,
        )

    def to_dict(self) -> None:
        """Loaded rows as dictionaries of JSON values."""

        def loaded(model: Any, write: Callable[[list[Any]], Any]) -> Callable[[Session], Any]:
            with Session(self.engine) as session:
                held = list(session.scalars(sa.select(model).limit(self.rows)))
                session.expunge_all()
            return lambda _: write(held)

        with self.engine.connect() as connection:
            mappings = connection.execute(sa.select(core).limit(self.rows)).mappings().all()

        def by_hand(_: Session) -> None:
            for row in mappings:
                written = dict(row)
                written["id"] = str(written["id"])
                written["created_at"] = written["created_at"].isoformat()
                written["updated_at"] = written["updated_at"].isoformat()

        self.compare(
            f"bulk_to_dict x{self.rows}",
            core=by_hand,
            ours=loaded(Ours, ModelSerializer.bulk_to_dict),
            alchemy=loaded(self.alchemy[0], lambda rows: [row.to_dict() for row in rows]) if self.alchemy else None,
            sqlmodel=loaded(Plain, lambda rows: [row.model_dump(mode="json") for row in rows]),
        )

    def fill(self) -> None:
        """Rows for what reads."""
        rows = _rows(self.rows)
        with self.session() as session:
            session.connection().execute(sa.insert(core), _core_rows(rows))
            session.connection().execute(sa.insert(Plain.__table__), _core_rows(rows))
            Repository(session, Ours).bulk_create(rows)
            if self.alchemy:
                session.connection().execute(sa.insert(self.alchemy[0].__table__), _core_rows(rows))


@contextmanager
def databases() -> Iterator[list[str]]:
    """URLs of a new SQLite file and of a PostgreSQL server that lives as long as the block."""
    from tests.support import postgresql

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = postgresql.start()
        stack.callback(server.stop)
        yield [f"sqlite:///{folder}/bench.db", server.url("postgres")]


def run(url: str, *, rows: int, singles: int, rounds: int, only: str = "") -> None:
    """Run all comparisons, or those whose name holds ``only``, on one database."""
    bench = Bench(url, rows, singles, rounds)
    print(f"{bench.engine.dialect.name}: processor seconds, medians of {rounds} rounds, and the ratio to Core")
    if not bench.alchemy:
        print("ADVANCED-ALCHEMY IS NOT MEASURED: it is not installed; pip install 'etl-models[bench]'")
    try:
        bench.fill()
        for comparison in (bench.create, bench.get, bench.search, bench.bulk_create, bench.bulk_upsert, bench.to_dict):
            if only in comparison.__name__:
                comparison()
    finally:
        bench.reset()
        bench.engine.dispose()


def main(arguments: list[str] | None = None) -> None:
    """Measure on the given databases, or on the two that are made for it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0] if __doc__ else None)
    parser.add_argument("urls", nargs="*", metavar="URL")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--singles", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--only", default="")
    chosen = vars(parser.parse_args(arguments))
    urls = chosen.pop("urls")
    with ExitStack() as stack:
        for url in urls or stack.enter_context(databases()):
            run(url, **chosen)


if __name__ == "__main__":
    main()

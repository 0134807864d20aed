"""The history of a row is whole and true: relations, cascades, changes past it, old states under new rules."""

import uuid
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlmodel import Field, Relationship

from etl_models.db.bases import table_of
from etl_models.db.composites import UUIDTimestampedBase
from etl_models.db.declarative import new_registry
from etl_models.db.errors import InvalidDataError
from etl_models.db.versioning import VersioningMixin, history_table
from tests.support.toolkit import Rows

pytestmark = pytest.mark.contract
RowsOf = Callable[..., Rows]


class Own(UUIDTimestampedBase, registry=new_registry()):
    """Apart from other tests."""


class Team(VersioningMixin, Own, table=True):
    """Owns players; some leave with it."""

    name: str = Field(max_length=50)
    players: list["Player"] = Relationship(back_populates="team")
    contracts: list["Contract"] = Relationship(
        back_populates="team", sa_relationship_kwargs={"cascade": "all, delete-orphan"}
    )


class Player(VersioningMixin, Own, table=True):
    """Stays when the team goes."""

    name: str = Field(max_length=50)
    born: date | None = None
    fee: Decimal = Field(default=Decimal(0), max_digits=10, decimal_places=2)
    data: dict[str, Any] = Field(default_factory=dict)
    text: str = ""
    team_id: uuid.UUID | None = Field(default=None, foreign_key="team.id")
    team: Team | None = Relationship(back_populates="players")


class Contract(VersioningMixin, Own, table=True):
    """Goes with the team."""

    team_id: uuid.UUID = Field(foreign_key="team.id")
    team: Team | None = Relationship(back_populates="contracts")


@pytest.fixture
def rows(rows_of: RowsOf) -> Rows:
    """Empty tables."""
    return rows_of(Team, Player, Contract)


def test_relations_and_cascades_are_in_the_history(rows: Rows) -> None:
    """Deleting a team is told by the players who lose it and the contracts that end with it."""
    team = Team(name="t")
    team.players, team.contracts = [Player(name="p")], [Contract.model_construct(team=None)]
    rows.run(lambda session: session.add(team))
    rows.commit()
    ids = team.id, team.players[0].id, team.contracts[0].id
    rows.run(lambda session: (session.delete(team), session.flush()))
    rows.commit()
    models: tuple[Any, ...] = (Team, Player, Contract)
    kinds = [
        [change.kind.value for change in rows.repository(model).history(ident)]
        for model, ident in zip(models, ids, strict=True)
    ]
    assert kinds == [["created", "deleted"], ["created", "updated"], ["created", "deleted"]]
    last = rows.repository(Player).history(ids[1])[-1]
    assert (last.before["team_id"], last.after["team_id"]) == (str(ids[0]), None)


@pytest.mark.parametrize("change", ["set unseen", "inside JSON"])
def test_before_is_what_the_database_held(rows: Rows, change: str) -> None:
    """Also when the old value was never loaded, and when a statement had changed it past the history."""
    players = rows.repository(Player)
    player = players.create(name="old", data={"a": 1})
    rows.commit()

    def behind(session: Session) -> None:
        table = table_of(Player)
        session.connection().execute(sa.update(table).values(name="behind", data={"a": 2}))
        session.commit()
        session.expire(player)

    rows.run(behind)
    if change == "set unseen":
        player.name = "new"
    else:
        rows.run(lambda session: session.refresh(player))
        player.data["a"] = 3
    rows.commit()
    last = players.history(player.id)[-1]
    field, before, after = ("name", "behind", "new") if change == "set unseen" else ("data", {"a": 2}, {"a": 3})
    assert (last.before[field], last.after[field]) == (before, after)


def test_whatever_a_row_may_hold_its_history_holds(rows: Rows) -> None:
    """JSON as deep, and text longer, than one JSON value may be."""
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(19):
        inner["a"] = inner = {}
    players = rows.repository(Player)
    player = players.create(name="x", data=deep, text="ü" * 1_100_000)
    players.update(player, text="short")
    rows.commit()
    first = players.history(player.id)[0].after
    assert (first["data"], len(first["text"])) == (deep, 1_100_000)
    assert players.revert_to(player, 1).text == "ü" * 1_100_000


def test_an_old_state_is_readable_under_new_rules(rows: Rows) -> None:
    """Fields that came, went, or became stricter do not hide what was; going back to it is refused whole."""
    players = rows.repository(Player)
    player = players.create(name="now", fee=Decimal("1.50"), born=date(2000, 1, 2))
    rows.commit()
    first = players.history(player.id)[0]
    old = {key: value for key, value in first.after.items() if key not in {"text", "data"}}
    old |= {"name": "n" * 60, "gone": 1, "version": 1}
    table = history_table(Player)
    rows.run(lambda session: session.connection().execute(sa.update(table).values(after=old)))
    players.update(player, fee=2)
    rows.commit()
    was = players.as_of(player.id, first.changed_at)
    assert (was.name, was.born, was.fee, was.data, was.text) == ("n" * 60, date(2000, 1, 2), Decimal("1.50"), {}, "")
    with pytest.raises(InvalidDataError):
        players.revert_to(player.id, 1)
    assert (player.name, player.fee) == ("now", 2)


def test_a_moment_has_an_offset(rows: Rows) -> None:
    """A naive time is nobody's time: it is refused."""
    players = rows.repository(Player)
    ident = players.create(name="x").id
    with pytest.raises(InvalidDataError, match="offset"):
        players.as_of(ident, datetime(2030, 1, 1))  # noqa: DTZ001

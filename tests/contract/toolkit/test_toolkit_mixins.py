"""Each mixin keeps its promise on each base, on every database and both faces."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from etl_models.db.errors import DuplicateError, InvalidDataError, NotFoundError, StaleDataError, TenantRequiredError
from etl_models.db.mixins import (
    AuditColumnsMixin,
    CreatedMixin,
    MetadataMixin,
    RowVersionMixin,
    SlugMixin,
    SoftDeleteMixin,
    TenantScopedMixin,
    TimestampMixin,
)
from etl_models.db.tenancy import tenant_scope
from etl_models.db.versioning import VersioningMixin
from etl_models.domain.actor import acting_as
from etl_models.domain.clock import utcnow
from tests.support.toolkit import Rows
from tests.support.toolkit_models import PAIRS

pytestmark = pytest.mark.contract
RowsOf = Callable[..., Rows]


@pytest.mark.parametrize("pair", sorted(PAIRS))
def test_a_mixin_keeps_its_promise_on_a_base(rows_of: RowsOf, pair: str) -> None:
    """A row lives its life: created, read back equal, changed, hidden, restored, deleted, as its mixins promise."""
    model: Any = PAIRS[pair]
    rows = rows_of(model)
    with ExitStack() as stack:
        stack.enter_context(acting_as("ada"))
        if issubclass(model, TenantScopedMixin):
            stack.enter_context(tenant_scope("acme"))
        repository = rows.repository(model)
        row = repository.create(name="First One", amount=1)
        rows.commit()
        before, ident = row.to_dict(), row.id
        rows.forget()
        assert repository.get(ident).to_dict() == before
        for mixin, check in CHECKS.items():
            if issubclass(model, mixin):
                check(rows, repository, ident)
        repository.delete(ident)
        rows.commit()
        assert repository.get_by_id(ident) is None


def _times(rows: Rows, repository: Any, ident: Any) -> None:
    row = repository.get(ident)
    assert row.created_at.tzinfo is not None
    assert abs(utcnow() - row.created_at) < timedelta(minutes=1)


def _touched(rows: Rows, repository: Any, ident: Any) -> None:
    """``updated_at`` follows the ORM, repositories' bulk changes, and Core."""
    model = type(repository.get(ident))
    seen = [repository.get(ident).updated_at]
    repository.update(ident, amount=2)
    seen.append(repository.get(ident).updated_at)
    rows.commit()
    repository.bulk_update([{"id": ident, "amount": 3}])
    rows.commit()
    rows.forget()
    seen.append(repository.get(ident).updated_at)
    rows.run(lambda session: session.execute(sa.update(model).where(model.id == ident).values(amount=4)))
    rows.commit()
    rows.forget()
    seen.append(repository.get(ident).updated_at)
    assert seen == sorted(set(seen))


def _audited(rows: Rows, repository: Any, ident: Any) -> None:
    assert repository.get(ident).created_by == "ada"
    with acting_as("bob"):
        repository.update(ident, amount=5)
        rows.commit()
    rows.forget()
    row = repository.get(ident)
    assert (row.created_by, row.updated_by) == ("ada", "bob")


def _hidden(rows: Rows, repository: Any, ident: Any) -> None:
    hidden = repository.soft_delete(ident)
    assert hidden.is_deleted
    assert hidden.deleted_at is not None
    rows.commit()
    assert repository.get_by_id(ident) is None
    assert repository.count() == 0
    with pytest.raises(NotFoundError):
        repository.soft_delete(ident)
    assert repository.with_deleted().get(ident).deleted_at == hidden.deleted_at
    assert [row.id for row in repository.only_deleted().find_all()] == [ident]
    restored = repository.restore(ident)
    assert (restored.is_deleted, restored.deleted_at) == (False, None)
    rows.commit()
    assert repository.count() == 1


def _described(rows: Rows, repository: Any, ident: Any) -> None:
    row = repository.get(ident)
    row.metadata_json["deep"] = {"list": [1]}
    repository.update(row, tags="a, b,c")
    rows.commit()
    row.metadata_json["deep"]["list"].append(2)
    rows.commit()
    rows.forget()
    row = repository.get(ident)
    assert row.metadata_json == {"deep": {"list": [1, 2]}}
    assert row.tag_list == ["a", "b", "c"]
    with pytest.raises(InvalidDataError):
        repository.update(ident, tags="x" * 501)
    rows.rollback()


def _slugged(rows: Rows, repository: Any, ident: Any) -> None:
    assert repository.get(ident).slug == "first-one"
    assert repository.get_one(slug="first-one").id == ident
    rows.commit()
    with pytest.raises(DuplicateError) as caught:
        repository.create(name="first  ONE!")
    assert "slug" in caught.value.columns
    rows.rollback()


def _scoped(rows: Rows, repository: Any, ident: Any) -> None:
    assert repository.get(ident).tenant_id == "acme"
    with tenant_scope("other"):
        assert repository.get_by_id(ident) is None
        assert repository.count() == 0
        assert repository.bulk_update([{"id": ident, "amount": 66}]) == 0
        assert repository.every_tenant().get(ident).id == ident
        with pytest.raises(TenantRequiredError):
            repository.create(name="Foreign", tenant_id="acme")
    rows.rollback()
    assert repository.get(ident).amount != 66


def _counted(rows: Rows, repository: Any, ident: Any) -> None:
    version = repository.get(ident).version
    assert repository.update(ident, amount=10, expected_version=version).version == version + 1
    rows.commit()
    with pytest.raises(StaleDataError) as caught:
        repository.update(ident, amount=11, expected_version=version)
    assert (caught.value.expected, caught.value.found) == (version, version + 1)
    with pytest.raises(StaleDataError):
        repository.bulk_update([{"id": ident, "amount": 12, "version": version}])
    rows.rollback()


def _remembered(rows: Rows, repository: Any, ident: Any) -> None:
    repository.update(ident, amount=20)
    rows.commit()
    moment = utcnow()
    with acting_as("eve"):
        repository.bulk_update([{"id": ident, "amount": 21}])
    rows.commit()
    rows.forget()
    changes = repository.history(ident)
    assert [change.version for change in changes] == list(range(1, len(changes) + 1))
    first, last = changes[0], changes[-1]
    assert (first.kind, first.before, first.after["name"]) == ("created", None, "First One")
    assert (last.kind, last.changed_by) == ("updated", "eve")
    assert (last.before["amount"], last.after["amount"]) == (20, 21)
    assert {"amount", "version"} <= set(last.fields)
    assert repository.as_of(ident, moment).amount == 20
    assert repository.as_of(ident, first.changed_at - timedelta(seconds=1)) is None
    reverted = repository.revert_to(ident, 1)
    assert (reverted.amount, reverted.version) == (1, len(changes) + 1)
    rows.commit()
    with pytest.raises(NotFoundError):
        repository.revert_to(ident, 99)


CHECKS: dict[type[Any], Callable[[Rows, Any, Any], None]] = {
    CreatedMixin: _times,
    TimestampMixin: _touched,
    AuditColumnsMixin: _audited,
    SoftDeleteMixin: _hidden,
    MetadataMixin: _described,
    SlugMixin: _slugged,
    TenantScopedMixin: _scoped,
    RowVersionMixin: _counted,
    VersioningMixin: _remembered,
}

"""Money: whole micros (millionths) of a currency, in two columns of any table.

Floats lose cents, and advertising and cloud prices are smaller than cents; a 64-bit count of micros is exact, adds up
in SQL on every database, and reaches nine thousand billion units.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import total_ordering
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.orm import composite

MICROS = 1_000_000
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_LIMIT = 2**63
# The context of the program may round to any number of digits.
_EXACT = Context(prec=999)


@total_ordering
@dataclass(frozen=True, slots=True, eq=True)
class Money:
    """An amount. Amounts of different currencies neither add up nor compare: TypeError says so."""

    micros: int
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.micros, int) or isinstance(self.micros, bool) or not -_LIMIT <= self.micros < _LIMIT:
            raise ValueError("micros must be a whole number of 64 bits; Money.of() takes decimals")
        if not _CURRENCY.fullmatch(self.currency):
            raise ValueError("a currency is three capital letters (ISO 4217)")

    @classmethod
    def of(cls, amount: Decimal | int | str, currency: str) -> Self:
        """Make money of ``12``, ``"12.34"`` or a Decimal. Raises ValueError for more than six decimal places."""
        micros = Decimal(amount).scaleb(6, _EXACT)
        if not micros.is_finite() or micros != micros.to_integral_value():
            raise ValueError("money has at most six decimal places")
        return cls(int(micros), currency)

    @property
    def amount(self) -> Decimal:
        """The amount in units of the currency."""
        return Decimal(self.micros).scaleb(-6, _EXACT)

    def __composite_values__(self) -> tuple[int, str]:
        return self.micros, self.currency

    def __add__(self, other: Self) -> Self:
        return type(self)(self.micros + self._same(other).micros, self.currency)

    def __sub__(self, other: Self) -> Self:
        return type(self)(self.micros - self._same(other).micros, self.currency)

    def __mul__(self, factor: int) -> Self:
        return type(self)(self.micros * factor, self.currency)

    def __lt__(self, other: Self) -> bool:
        return self.micros < self._same(other).micros

    def __str__(self) -> str:
        whole = self.amount.normalize(_EXACT)
        exponent = whole.as_tuple().exponent
        places = -exponent if isinstance(exponent, int) else 0
        return f"{self.amount:.{max(2, places)}f} {self.currency}"

    def _same(self, other: Self) -> Self:
        if other.currency != self.currency:
            raise TypeError(f"{self.currency} and {other.currency} do not mix")
        return other


def money_columns(prefix: str) -> Any:
    """Join the columns ``<prefix>_micros`` and ``<prefix>_currency`` of a table to one attribute of :class:`Money`.

    ::

        class Invoice(FullModel, table=True):
            total_micros: int
            total_currency: str = Field(max_length=3)
            total: ClassVar[Money] = money_columns("total")
    """
    return composite(_from_columns, f"{prefix}_micros", f"{prefix}_currency")


def _from_columns(micros: int | None, currency: str | None) -> Money | None:
    return None if micros is None or currency is None else Money(micros, currency)


def currency_check(column: str) -> sa.CheckConstraint:
    """Return the check that ``column`` holds three characters."""
    return sa.CheckConstraint(sa.func.length(sa.column(column)) == sa.literal_column("3"), name=column)

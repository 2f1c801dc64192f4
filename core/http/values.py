"""The values that answers are made of: money is text, times are ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer


def _in_cents(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _in_full(amount: Decimal) -> str:
    """Two decimals at least, more where they say something: 0.02, 0.0195."""
    plain = f"{amount:f}".rstrip("0") if "." in f"{amount:f}" else f"{amount:f}"
    whole, _, fraction = plain.partition(".")
    return f"{whole}.{fraction:0<2}"


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Tokens: TypeAlias = Annotated[Decimal, PlainSerializer(_in_cents, return_type=str), Field(examples=["0.80"])]
Usd: TypeAlias = Annotated[Decimal, PlainSerializer(_in_full, return_type=str), Field(examples=["0.0195"])]
Number: TypeAlias = Annotated[Decimal, PlainSerializer(lambda number: f"{number.normalize():f}", return_type=str)]
Moment: TypeAlias = Annotated[
    datetime, PlainSerializer(_in_utc, return_type=str), Field(examples=["2026-11-22T10:00:00.000Z"])
]


class Answer(BaseModel):
    """What every answer has in common."""

    model_config = ConfigDict(frozen=True)


class Question(BaseModel):
    """What everything that is asked has in common: an unknown name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

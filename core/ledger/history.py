"""The statement with what each posting was for: which payment, which generation, which code.

`statement` in `postings` is the bare truth; this adds what people and operators want to read beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from core import db
from core.ledger.postings import COLUMNS, Posting, PostingKind, from_row
from core.types import UserId

_LAST = 2**63 - 1

_HISTORY = f"""
    SELECT posting.*, original.type AS origin, original.reason AS origin_reason, generation.run_code,
        coalesce(posting.quote, original.quote) ->> 'model' AS model, model.display_name AS model_name,
        payment.code AS payment_code, package.title AS package, promo.code AS promo_code
    FROM (
        SELECT {COLUMNS} FROM botapp_transaction WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3 OFFSET $4
    ) AS posting
    LEFT JOIN botapp_transaction AS original ON original.id = posting.related_transaction_id
    LEFT JOIN botapp_genrequest AS generation ON generation.transaction_id =
        CASE posting.type WHEN 'generation' THEN posting.id ELSE posting.related_transaction_id END
    LEFT JOIN botapp_aimodel AS model ON model.slug = coalesce(posting.quote, original.quote) ->> 'model'
    LEFT JOIN botapp_payment AS payment ON payment.user_id = posting.user_id AND payment.transaction_id =
        CASE WHEN posting.type = 'deposit' THEN posting.id WHEN original.type = 'deposit' THEN original.id
            ELSE original.related_transaction_id END
    LEFT JOIN token_packages AS package ON package.code = payment.package_code
    LEFT JOIN botapp_promoredemption AS redemption ON redemption.transaction_id =
        CASE posting.type WHEN 'reversal' THEN original.id ELSE posting.id END
    LEFT JOIN botapp_promocode AS promo ON promo.id = redemption.promo_id
    ORDER BY posting.id DESC
"""  # noqa: S608  the columns are a constant


@dataclass(frozen=True, slots=True)
class Entry:
    """A posting and what it was for.

    Attributes:
        origin: kind of the posting that this one returns, takes back or belongs to.
        origin_reason: that posting's reason.
        generation: id of the generation that was charged or refunded.
        model: slug of its model, and `model_name` as people know it, while the catalogue has it.
        payment: code of the user's payment behind a deposit, its bonus or its reversal.
        package: title of what was bought.
        promo_code: the code that gave the bonus.
    """

    posting: Posting
    origin: PostingKind | None
    origin_reason: str
    generation: str | None
    model: str | None
    model_name: str | None
    payment: str | None
    package: str | None
    promo_code: str | None

    @property
    def what(self) -> str:
        """What the posting was for, in words for operators."""
        match self.posting.kind:
            case PostingKind.DEPOSIT:
                return f"deposit, {self.package}" if self.package else "deposit"
            case PostingKind.GENERATION:
                return f"generation with {self.model or 'an unknown model'}"
            case PostingKind.REFUND:
                return f"refund of a generation with {self.model or 'an unknown model'}"
            case PostingKind.REVERSAL:
                is_deposit = self.origin is PostingKind.DEPOSIT
                return f"taken back: {'deposit' if is_deposit else self._bonus(self.origin_reason)}"
            case PostingKind.BONUS | PostingKind.REFERRAL:
                return self._bonus(self.posting.reason)
            case PostingKind.ADMIN:
                return "write-off for a refund" if self.is_write_off else "adjustment"

    @property
    def is_write_off(self) -> bool:
        """True for tokens that an operator wrote off so that a payment could be refunded."""
        return self.posting.kind is PostingKind.ADMIN and self.posting.related is not None

    def _bonus(self, reason: str) -> str:
        return f"promo code {self.promo_code}" if self.promo_code else reason.replace("_", " ").replace(":", " ")


async def extent(user: UserId, *, newest: int | None = None) -> tuple[int, int]:
    """Return how many postings the user has up to posting `newest`, and the number of the last of them, 0 for none."""
    row = await db.fetch_one(
        """
        SELECT count(*) AS count, coalesce(max(id), 0) AS newest
        FROM botapp_transaction WHERE user_id = $1 AND id <= $2
        """,
        user,
        _LAST if newest is None else newest,
    )
    assert row is not None
    return row["count"], row["newest"]


async def history(user: UserId, *, limit: int = 20, before: int | None = None, skip: int = 0) -> list[Entry]:
    """Return the user's postings with what they were for, newest first.

    Args:
        before: only postings older than this one.
        skip: leave out this many of them.
    """
    rows = await db.fetch(_HISTORY, user, _LAST if before is None else before, limit, skip)
    return [
        Entry(
            posting=from_row(row),
            origin=PostingKind(row["origin"]) if row["origin"] else None,
            origin_reason=row["origin_reason"] or "",
            generation=row["run_code"],
            model=row["model"],
            model_name=row["model_name"],
            payment=row["payment_code"],
            package=row["package"],
            promo_code=row["promo_code"],
        )
        for row in rows
    ]

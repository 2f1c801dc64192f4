"""What a person may be doing, one router each. Each module's `router()` returns a fresh one."""

from __future__ import annotations

from aiogram import Router

from bot.routers import (
    balance,
    cancelling,
    cart,
    daily,
    follow_ups,
    history,
    invite,
    language,
    models,
    paysupport,
    photos,
    promo,
    prompts,
    reference,
    results,
    start,
    topup,
    unknown,
    videos,
)

IN_ORDER = (
    start,
    balance,
    history,
    topup,
    paysupport,
    promo,
    invite,
    daily,
    cancelling,
    models,
    language,
    results,
    follow_ups,
    cart,
    reference,
    videos,
    photos,
    prompts,
    unknown,
)
"""Commands and buttons come before prompts, since any other text is a prompt; `unknown` answers the rest."""


def all_routers() -> list[Router]:
    """Return a new set of routers."""
    return [module.router() for module in IN_ORDER]

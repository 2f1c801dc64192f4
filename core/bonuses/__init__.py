"""Tokens that are given: with the first deposit, for promo codes, for friends, for coming every day.

Each has a key that exists once, so that nobody gets one twice, however often it is asked for.
"""

from core.bonuses.deposits import Plan, expected, first_deposit_bonus, give, plan

__all__ = ["Plan", "expected", "first_deposit_bonus", "give", "plan"]

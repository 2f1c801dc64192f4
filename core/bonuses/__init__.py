"""Tokens that are given: with the first deposit, for promo codes, for friends, for coming every day.

Each has a key that exists once, so that nobody gets one twice, however often it is asked for.
"""

from core.bonuses.deposits import Plan, give, plan

__all__ = ["Plan", "give", "plan"]

"""Buying tokens: packages, orders, gateways, crediting, refunds, and the proof that gateways and we agree.

`orders.place` writes down what is bought, `crediting.receive` is the only way in for money, `refunds.refund` the only
way back.
"""

from core.payments.repository import PaymentNotFound, find, get, of_user
from core.payments.states import Payment, PaymentStatus

__all__ = ["Payment", "PaymentNotFound", "PaymentStatus", "find", "get", "of_user"]

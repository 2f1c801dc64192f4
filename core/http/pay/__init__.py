"""The payment page: cards are taken outside of Telegram, whose terms keep digital goods inside it for Stars."""

from core.http.pay.endpoints import blueprint

__all__ = ["blueprint"]

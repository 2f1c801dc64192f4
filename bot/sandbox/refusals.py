"""What the Bot API answers when it refuses: one exception with Telegram's code and words."""

from __future__ import annotations

from bot.sandbox.documents import JsonObject


class Refused(Exception):
    """The Bot API refuses the call."""

    def __init__(self, error_code: int, description: str, *, retry_after: int | None = None) -> None:
        super().__init__(f"{error_code} {description}")
        self.error_code = error_code
        self.description = description
        self.retry_after = retry_after

    def envelope(self) -> JsonObject:
        """The JSON body that Telegram sends with this refusal."""
        body: JsonObject = {"ok": False, "error_code": self.error_code, "description": self.description}
        if self.retry_after is not None:
            body["parameters"] = {"retry_after": self.retry_after}
        return body


def bad_request(words: str) -> Refused:
    """A 400 in Telegram's wording."""
    return Refused(400, f"Bad Request: {words}")


def blocked_by_user() -> Refused:
    """The person has stopped the bot."""
    return Refused(403, "Forbidden: bot was blocked by the user")


def conflict(words: str) -> Refused:
    """A 409: webhook and polling, or two pollers, exclude each other."""
    return Refused(409, f"Conflict: {words}")


def too_many_requests(seconds: int) -> Refused:
    """The flood limit was reached."""
    return Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


class DriverError(Exception):
    """The driver API cannot do what was asked; `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

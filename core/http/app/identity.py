"""Who uses the Mini App: the init data that Telegram signed, verified on every call. Nothing else says who asks.

Facts: https://core.telegram.org/bots/webapps#validating-data-received-via-the-mini-app and, for init data that comes
with Telegram's own Ed25519 signature instead of a hash, #validating-data-for-third-party-use. Init data is as good as a
password for as long as it lives, so it is never logged, stored or sent back, not even a wrong one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final
from urllib.parse import parse_qsl

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from sanic import Request

from core import ledger, users
from core.bonuses import referrals
from core.http.problems import Problem
from core.logs import get_logger
from core.settings import Settings
from core.users import Profile, User

logger = get_logger(__name__)

CHALLENGE: Final = 'tma realm="nanobanana"'
LONGEST: Final = 4096
"""Characters of init data. Telegram's has about 700; a name of nothing but emoji makes it 2,000."""

MOST_FIELDS: Final = 30
AHEAD: Final = timedelta(seconds=60)
"""How far Telegram's clock may be ahead of ours."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_HASH = re.compile(r"[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{86}={0,2}")
_MOMENT = re.compile(r"[0-9]{1,11}")


class InvalidInitData(Exception):
    """Telegram did not sign this for our bot, or it does not say who somebody is. The text holds none of it."""


@dataclass(frozen=True, slots=True)
class InitData:
    """What Telegram says of who opened the Mini App. `start_param` is what the link that opened it carried."""

    profile: Profile
    signed_at: datetime
    start_param: str


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a character that no name has")
    return text


_Text = Annotated[str, AfterValidator(_storable)]


class _Person(BaseModel):
    """The `user` of init data, as far as it is read."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    id: int = Field(ge=1, lt=2**53)
    is_bot: bool = False
    first_name: _Text = ""
    last_name: _Text = ""
    username: _Text = ""
    language_code: _Text = ""
    is_premium: bool = False

    def profile(self) -> Profile:
        """What an account is made from, no longer than its columns."""
        return Profile(
            chat_id=self.id,
            username=self.username[:255],
            first_name=self.first_name[:255],
            last_name=self.last_name[:255],
            language_code=self.language_code[:10],
            is_premium=self.is_premium,
        )


def verify(raw: str, token: str, public_key: str = "") -> InitData:
    """Return what raw init data says, once it is known to be signed for our bot: with the bot's token or, where it has
    no hash, with Telegram's own key. Its age is not looked at.

    Args:
        public_key: Telegram's Ed25519 key in hex; without one only a hash is believed.

    Raises:
        InvalidInitData: see there.
    """
    fields = _fields(raw)
    if "hash" in fields or not public_key:
        _check_hash(fields, token)
    else:
        _check_signature(fields, token, public_key)
    if not _MOMENT.fullmatch(fields.get("auth_date", "")):
        raise InvalidInitData("It does not say when it was signed.")
    return InitData(
        profile=_person(fields.get("user", "")).profile(),
        signed_at=datetime.fromtimestamp(int(fields["auth_date"]), UTC),
        start_param=fields.get("start_param", ""),
    )


def _check_hash(fields: dict[str, str], token: str) -> None:
    signature = fields.pop("hash", "")
    if not _HASH.fullmatch(signature):
        raise InvalidInitData("It has no hash.")
    key = hmac.new(b"WebAppData", token.encode(), hashlib.sha256).digest()
    if not hmac.compare_digest(hmac.new(key, _signed(fields), hashlib.sha256).hexdigest(), signature):
        raise InvalidInitData("Its hash is not right.")


def _check_signature(fields: dict[str, str], token: str, public_key: str) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signature = fields.pop("signature", "")
    if not _SIGNATURE.fullmatch(signature):
        raise InvalidInitData("It has neither a hash nor a signature.")
    try:
        raw = base64.urlsafe_b64decode(signature.rstrip("=") + "==")
        # The bot's number is part of what is signed: data for another bot is worth nothing here.
        signed = f"{token.partition(':')[0]}:WebAppData\n".encode() + _signed(fields)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(raw, signed)
    except (InvalidSignature, binascii.Error, ValueError):
        raise InvalidInitData("Its signature is not right.") from None


def _signed(fields: dict[str, str]) -> bytes:
    return "\n".join(f"{name}={fields[name]}" for name in sorted(fields)).encode()


def _fields(raw: str) -> dict[str, str]:
    """Take the fields apart so that there is one way only to read what was signed."""
    if len(raw) > LONGEST or not raw.isascii():
        raise InvalidInitData("It is not what Telegram gives to a Mini App.")
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise InvalidInitData("It is not a query string.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidInitData("A field is there more than once.")
    # The signed text joins fields with line breaks: a value with one could be taken for two fields.
    if not all(_NAME.fullmatch(name) and "\n" not in value for name, value in pairs):
        raise InvalidInitData("A field is none of Telegram's.")
    return fields


def _person(text: str) -> _Person:
    try:
        person = _Person.model_validate_json(text)
    except ValidationError:
        raise InvalidInitData("It does not say who opened the Mini App.") from None
    if person.is_bot:
        raise InvalidInitData("A bot opened the Mini App.")
    return person


async def require(request: Request, *, lifetime: timedelta) -> User:
    """Return the account of the person who asks; somebody new gets one.

    Raises:
        Problem: 401 without init data that is valid and not older than `lifetime`, 403 for who was shut out.
    """
    settings: Settings = request.app.ctx.settings
    try:
        token = settings.telegram_bot_token.get_secret_value()
        data = verify(_presented(request), token, settings.telegram_public_key)
    except InvalidInitData as error:
        raise _unauthorized("init_data_invalid", f"The init data is not valid. {error}") from None
    now = datetime.now(UTC)
    age = now - data.signed_at
    if age < -AHEAD:
        raise _unauthorized("init_data_invalid", "The init data is not valid. It comes from the future.")
    if age > lifetime:
        raise _unauthorized("init_data_expired", "The init data is too old for this. Open the app again.")
    user = await users.get(data.profile.chat_id) or await _welcome(data.profile)
    if user.is_blocked:
        raise Problem(403, "Access is closed for this account.", code="user_blocked")
    if referrals.code_in(data.start_param) is not None:
        # Accepting is idempotent, and what a crash kept from happening with the first call happens with the next.
        await referrals.accept(user.id, data.start_param, now)
    return user


def _presented(request: Request) -> str:
    given = request.headers.getall("authorization", [])
    kind, _, raw = str(given[0]).partition(" ") if len(given) == 1 else ("", "", "")
    if kind.lower() != "tma" or not raw.strip():
        raise _unauthorized("init_data_missing", "This needs the header Authorization with tma and the init data.")
    return raw.strip()


def _unauthorized(code: str, detail: str) -> Problem:
    return Problem(401, detail, code=code, headers={"WWW-Authenticate": CHALLENGE})


async def _welcome(profile: Profile) -> User:
    """Open an account for somebody whom the bot has not met, with what /start would give."""
    user = await users.upsert(profile)
    await ledger.give_welcome_bonus(user.id)
    logger.info("user.met_in_app", user=user.id)
    return user

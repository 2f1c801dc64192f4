"""Why an order is not taken. Nothing was charged; the words for the user are made from `code` and the attributes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from core.types import Tokens
from providers.base import Json, MediaRole


class OrderRefused(Exception):
    """The order was not taken and nothing was charged. `code` is stable; the attributes fill the words for the user."""

    code = "order_refused"


class EmptyPrompt(OrderRefused):
    """There are no words to work from."""

    code = "empty_prompt"


class PromptTooLong(OrderRefused):
    """The prompt has more characters than the model takes."""

    code = "prompt_too_long"

    def __init__(self, *, limit: int, length: int) -> None:
        super().__init__(f"The prompt has {length} characters, the model takes {limit}")
        self.limit = limit
        self.length = length


class TooManyImages(OrderRefused):
    """There are more pictures than the model takes."""

    code = "too_many_images"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"The model takes {limit} pictures")
        self.limit = limit


class ImagesNotSupported(OrderRefused):
    """The model takes no pictures."""

    code = "images_not_supported"


class ImageRequired(OrderRefused):
    """The model works from a picture and got none."""

    code = "image_required"


class VideosNotSupported(OrderRefused):
    """The model takes no videos."""

    code = "videos_not_supported"


class VideoRequired(OrderRefused):
    """The model works from a video and got none."""

    code = "video_required"


class VideoTooLong(OrderRefused):
    """The video is longer than the model takes."""

    code = "video_too_long"

    def __init__(self, *, limit: float, seconds: float) -> None:
        super().__init__(f"The video has {seconds:.0f} seconds, the model takes {limit:.0f}")
        self.limit = limit
        self.seconds = seconds


class InputMismatch(OrderRefused):
    """The pictures do not go together, or not with the chosen options.

    Attributes:
        role: the slot that cannot be filled like this.
        needs: roles that it cannot do without.
        excludes: roles that were given and cannot be together with it.
        requires: options and the values that one of has to be chosen.
    """

    code = "input_mismatch"

    def __init__(
        self,
        role: MediaRole,
        *,
        needs: Collection[MediaRole] = (),
        excludes: Collection[MediaRole] = (),
        requires: Mapping[str, tuple[Json, ...]] | None = None,
    ) -> None:
        self.role = role
        self.needs = tuple(needs)
        self.excludes = tuple(excludes)
        self.requires = requires or {}
        parts = [f"needs {other.value}" for other in self.needs]
        parts += [f"does not go with {other.value}" for other in self.excludes]
        parts += [f"needs {name} of {', '.join(map(str, values))}" for name, values in self.requires.items()]
        super().__init__(f"The input {role.value} {'; '.join(parts) or 'is none that the model takes'}")


class LinkUnusable(OrderRefused):
    """The link leads to no picture or video that can be fetched."""

    code = "link_not_supported"


class ParentUnusable(OrderRefused):
    """The result that should be continued is not there any more, or was made in a way that cannot be continued."""

    code = "parent_unusable"


class ContentRefused(OrderRefused):
    """The words or pictures ask for something that is not made here."""

    code = "content_refused"

    def __init__(self, category: str) -> None:
        super().__init__(f"Refused for its content: {category}")
        self.category = category


class TooManyRefusals(OrderRefused):
    """So many orders were refused for their content that the user has to wait."""

    code = "too_many_refusals"

    def __init__(self, *, seconds: int) -> None:
        super().__init__(f"{seconds} seconds are left")
        self.seconds = seconds


class ModelUnavailable(OrderRefused):
    """The model is switched off, past its end, or none of its providers is configured."""

    code = "model_unavailable"

    def __init__(self, slug: str, *, successor: str | None) -> None:
        super().__init__(f"{slug} cannot be ordered now")
        self.slug = slug
        self.successor = successor


class PriceDiffers(OrderRefused):
    """It costs something else than the user agreed to."""

    code = "price_changed"

    def __init__(self, *, price: Tokens) -> None:
        super().__init__(f"The price is {price} now")
        self.price = price


class TooManyRunning(OrderRefused):
    """The user has as many jobs under way as one may have."""

    code = "too_many_running"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"{limit} jobs are under way")
        self.limit = limit


class CooldownActive(OrderRefused):
    """The model may be used again only after a pause."""

    code = "cooldown_active"

    def __init__(self, *, seconds: int) -> None:
        super().__init__(f"{seconds} seconds are left")
        self.seconds = seconds


class DailyLimitReached(OrderRefused):
    """The user ordered this model as often as one may in a day."""

    code = "daily_limit_reached"

    def __init__(self, *, limit: int) -> None:
        super().__init__(f"{limit} orders were made today")
        self.limit = limit


class UserBlocked(OrderRefused):
    """An operator shut this user out."""

    code = "user_blocked"

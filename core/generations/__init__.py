"""Jobs from the order to the delivered result: `queued → processing → done | error | cancelled`.

`orders` takes them in, `execution` carries them out, `delivery` hands over what they made, `repository` holds every
query. Whatever dies in between is resumed by somebody else at the same step.
"""

from core.generations.cancelling import CannotCancel, cancel
from core.generations.delivery import (
    abandon_delivery,
    claim_delivery,
    delivering,
    postpone_delivery,
    record_delivery,
    record_told,
    refuse_delivery,
)
from core.generations.orders import Order, submit
from core.generations.refusals import (
    ContentRefused,
    CooldownActive,
    DailyLimitReached,
    EmptyPrompt,
    ImageRequired,
    ImagesNotSupported,
    InputMismatch,
    LinkUnusable,
    ModelUnavailable,
    OrderRefused,
    ParentUnusable,
    PriceDiffers,
    PromptTooLong,
    TooManyImages,
    TooManyRefusals,
    TooManyRunning,
    UserBlocked,
    VideoRequired,
    VideosNotSupported,
    VideoTooLong,
)
from core.generations.repository import (
    Filter,
    GenerationNotFound,
    Page,
    attach_status_message,
    get,
    of_user,
    page,
    story,
)
from core.generations.slots import place as queue_place
from core.generations.states import Continuation, Generation, Stage, Status, StoryEvent

__all__ = [
    "CannotCancel",
    "ContentRefused",
    "Continuation",
    "CooldownActive",
    "DailyLimitReached",
    "EmptyPrompt",
    "Filter",
    "Generation",
    "GenerationNotFound",
    "ImageRequired",
    "ImagesNotSupported",
    "InputMismatch",
    "LinkUnusable",
    "ModelUnavailable",
    "Order",
    "OrderRefused",
    "Page",
    "ParentUnusable",
    "PriceDiffers",
    "PromptTooLong",
    "Stage",
    "Status",
    "StoryEvent",
    "TooManyImages",
    "TooManyRefusals",
    "TooManyRunning",
    "UserBlocked",
    "VideoRequired",
    "VideoTooLong",
    "VideosNotSupported",
    "abandon_delivery",
    "attach_status_message",
    "cancel",
    "claim_delivery",
    "delivering",
    "get",
    "of_user",
    "page",
    "postpone_delivery",
    "queue_place",
    "record_delivery",
    "record_told",
    "refuse_delivery",
    "story",
    "submit",
]

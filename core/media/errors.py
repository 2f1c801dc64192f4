"""Why a file cannot be used. `code` is stable: the API tells it, and the words for users are made from it."""

from __future__ import annotations

from typing import ClassVar


class UnusableMedia(Exception):
    """The file cannot be used."""

    code: ClassVar[str] = "unusable_file"


class NotAnImage(UnusableMedia):
    """The bytes are not a picture in a format that we read: JPEG, PNG, WebP, GIF or BMP."""

    code = "not_an_image"


class HeicImage(NotAnImage):
    """A picture in the container of HEIC or AVIF, which we do not read. Phones send JPEG when they are asked to."""

    code = "heic_not_supported"


class ImageTooLarge(UnusableMedia):
    """The picture has more bytes or pixels than we take."""

    code = "image_too_large"


class NotAVideo(UnusableMedia):
    """The bytes are not a video that can be read: MP4, MOV or WebM."""

    code = "not_a_video"


class VideoTooLarge(UnusableMedia):
    """The video has more bytes, or more pixels a frame, than we take."""

    code = "video_too_large"


class VideoTooLong(UnusableMedia):
    """The video is longer than we take."""

    code = "video_too_long"

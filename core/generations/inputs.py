"""Puts what a user gave into the slots of a model, or says why it does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.catalog import CatalogModel, InputSlot
from core.generations.refusals import (
    ImageRequired,
    ImagesNotSupported,
    InputMismatch,
    TooManyImages,
    VideoRequired,
    VideosNotSupported,
    VideoTooLong,
)
from core.storage import StoredFile
from providers.base import Json, MediaRole


def placed(model: CatalogModel, files: Sequence[StoredFile], params: Mapping[str, Json]) -> tuple[StoredFile, ...]:
    """Return the files with their roles, in the order in which they came.

    Pictures without a role take the slots for pictures in their order, videos those for videos; a mask is always named.
    `params` are the validated options: some slots are open with some values only.

    Raises:
        OrderRefused: too many, too few, of the wrong kind, or not together; the subclass says which.
    """
    _check_kinds(model, files)
    named = Counter(MediaRole(file.role) for file in files if file.role != MediaRole.IMAGE)
    plain = [file for file in files if file.role == MediaRole.IMAGE]
    free = iter(_free_pictures(model, named, sum(not is_video(file) for file in plain)))
    result = []
    for file in files:
        if file.role != MediaRole.IMAGE:
            result.append(file)
        else:
            role = MediaRole.VIDEO if is_video(file) else next(free)
            result.append(replace(file, role=role.value))
    _check_slots(model, result, params)
    return tuple(result)


def is_video(file: StoredFile) -> bool:
    """Say whether a file is a video."""
    return file.mime.startswith("video/")


def _check_kinds(model: CatalogModel, files: Sequence[StoredFile]) -> None:
    videos = sum(is_video(file) for file in files)
    pictures = len(files) - videos
    if pictures and not model.max_input_images:
        raise VideoRequired if model.max_input_videos else ImagesNotSupported
    if videos and not model.max_input_videos:
        raise VideosNotSupported
    if pictures > model.max_input_images:
        raise TooManyImages(limit=model.max_input_images)
    if videos > model.max_input_videos:
        raise TooManyImages(limit=model.max_input_videos)


def _free_pictures(model: CatalogModel, named: Counter[MediaRole], count: int) -> list[MediaRole]:
    """Return the roles of so many pictures without one: the first slots that may be filled together and hold them."""
    slots = [slot for slot in model.inputs if not slot.takes_video and slot.role is not MediaRole.MASK]
    filled = [slot for slot in model.inputs if named[slot.role]]
    open_slots = [slot for slot in slots if all(slot.goes_with(other) for other in filled)]
    for first in open_slots:
        together = [slot for slot in open_slots if slot.goes_with(first)]
        free = [slot.role for slot in together for _ in range(slot.most - named[slot.role])]
        if len(free) >= count:
            return free[:count]
    if count:
        raise TooManyImages(limit=model.max_input_images)
    return []


def _check_slots(model: CatalogModel, files: Sequence[StoredFile], params: Mapping[str, Json]) -> None:
    filled = Counter(MediaRole(file.role) for file in files)
    for file in files:
        slot = model.slot(MediaRole(file.role))
        if slot is None or slot.takes_video != is_video(file):
            raise InputMismatch(MediaRole(file.role))
    for slot in model.inputs:
        most = slot.most_beside(filled.keys())
        if filled[slot.role] > most:
            raise TooManyImages(limit=most)
        if filled[slot.role] < slot.least:
            raise VideoRequired if slot.takes_video else ImageRequired
        if filled[slot.role]:
            _check_slot(slot, filled, params)
    for file in files:
        longest = next((slot.longest for slot in model.inputs if slot.role == file.role), None)
        if longest is not None and file.seconds > longest:
            raise VideoTooLong(limit=longest, seconds=file.seconds)


def _check_slot(slot: InputSlot, filled: Counter[MediaRole], params: Mapping[str, Json]) -> None:
    missing = [role for role in slot.needs if not filled[role]]
    if missing:
        raise InputMismatch(slot.role, needs=missing)
    against = [role for role in slot.excludes if filled[role]]
    if against:
        raise InputMismatch(slot.role, excludes=against)
    wrong = {name: allowed for name, allowed in slot.requires.items() if params.get(name) not in allowed}
    if wrong:
        raise InputMismatch(slot.role, requires=wrong)

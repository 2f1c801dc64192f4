"""What the demonstration remembers of accepted jobs, as files: one per job, so that any process can go on with it."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from providers.base import InputMedia, Job, MediaKind

PREFIX = "demo-"


@dataclass(frozen=True, slots=True)
class AcceptedJob:
    """One accepted job: what was asked, when, and whether it was cancelled since."""

    external_id: str
    job: Job = field(repr=False)
    accepted_at: float
    is_cancelled: bool = False


class JobStore:
    """The files in one folder. Every write is atomic or an append of one line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._jobs = folder / "jobs"
        self._inputs = folder / "inputs"
        self._counters = folder / "counters"

    def accept(self, job: Job, now: float) -> AcceptedJob:
        """Remember the job under a new external id, and its inputs; note the submission."""
        for folder in (self._jobs, self._inputs, self._counters):
            folder.mkdir(parents=True, exist_ok=True)
        for image in job.images:
            target = self._inputs / sha256(image.data).hexdigest()
            if not target.exists():
                _write(target, image.data)
        number = 1
        while True:
            accepted = AcceptedJob(f"{PREFIX}{_name(job.client_id)}-{number}", job, now)
            if self._save(accepted, is_new=True):
                break
            number += 1
        self._note(accepted)
        return accepted

    def load(self, external_id: str) -> AcceptedJob | None:
        """Return the job, None if none was accepted under this id."""
        try:
            text = self._path(external_id).read_text()
        except (FileNotFoundError, ValueError):
            return None
        return self._parse(json.loads(text))

    def find(self, client_id: str) -> str | None:
        """Return the external id that the job got when it was accepted last."""
        numbers = [int(path.stem.rpartition("-")[2]) for path in self._jobs.glob(f"{PREFIX}{_name(client_id)}-*.json")]
        return f"{PREFIX}{_name(client_id)}-{max(numbers)}" if numbers else None

    def cancel(self, external_id: str) -> None:
        """Mark the job as cancelled; an unknown one is left alone."""
        if (accepted := self.load(external_id)) is not None:
            self._save(replace(accepted, is_cancelled=True), is_new=False)

    def count(self, client_id: str, what: str) -> int:
        """Count one more event of a job; return how many there are now."""
        self._counters.mkdir(parents=True, exist_ok=True)
        with (self._counters / f"{_name(client_id)}.{what}").open("ab") as file:
            file.write(b".")
            return file.tell()

    def _note(self, accepted: AcceptedJob) -> None:
        line = {
            "client_id": accepted.job.client_id,
            "external_id": accepted.external_id,
            "model": accepted.job.model,
            "at": accepted.accepted_at,
        }
        with (self._folder / "submissions.ndjson").open("ab") as file:
            file.write(json.dumps(line).encode() + b"\n")

    def _save(self, accepted: AcceptedJob, *, is_new: bool) -> bool:
        """Write the job's file; a new one only where none is, which the return value tells."""
        job = asdict(replace(accepted.job, images=(), params=dict(accepted.job.params)))
        job["images"] = [{"input": sha256(image.data).hexdigest(), "mime": image.mime} for image in accepted.job.images]
        document = {
            "external_id": accepted.external_id,
            "accepted_at": accepted.accepted_at,
            "is_cancelled": accepted.is_cancelled,
            "job": job,
        }
        return _write(self._path(accepted.external_id), json.dumps(document, indent=1).encode(), is_new=is_new)

    def _parse(self, document: dict[str, Any]) -> AcceptedJob:
        stored = document["job"]
        images = tuple(
            InputMedia((self._inputs / image["input"]).read_bytes(), image["mime"]) for image in stored["images"]
        )
        job = Job(
            stored["client_id"], stored["model"], MediaKind(stored["kind"]), stored["prompt"], images, stored["params"]
        )
        return AcceptedJob(document["external_id"], job, document["accepted_at"], document["is_cancelled"])

    def _path(self, external_id: str) -> Path:
        if not external_id.startswith(PREFIX) or not external_id.replace("-", "").isalnum():
            raise ValueError(f"{external_id!r} is not an id of the demonstration")
        return self._jobs / f"{external_id}.json"


def _name(client_id: str) -> str:
    return sha256(client_id.encode(errors="surrogatepass")).hexdigest()[:20]


def _write(target: Path, data: bytes, *, is_new: bool = False) -> bool:
    """Put the whole file in its place at once; with `is_new` only if nothing is there."""
    with NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(data)
    draft = Path(file.name)
    try:
        if is_new:
            os.link(draft, target)
        else:
            draft.replace(target)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True

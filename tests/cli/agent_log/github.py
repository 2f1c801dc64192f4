"""The part of GitHub's REST API that tells of pull requests, beside what the deployments' emulator tells."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.emulators.github import FORBIDDEN, GitHubEmulator
from tests.emulators.threaded import Reply


class Repository(GitHubEmulator):
    """A repository with pull requests. `requested` is what a listing and a page of one are made from."""

    def __init__(self, head: str) -> None:
        super().__init__(head)
        self.requested: dict[int, dict[str, Any]] = {}

    def request(self, number: int, branch: str, head: str, **changes: Any) -> dict[str, Any]:
        """Open a pull request into staging."""
        made = {
            "number": number,
            "state": "open",
            "title": f"feat: {branch}",
            "html_url": f"https://github.com/fox/bot/pull/{number}",
            "draft": False,
            "created_at": "2026-11-20T10:00:00Z",
            "updated_at": "2026-11-22T10:00:00Z",
            "closed_at": None,
            "merged_at": None,
            "merge_commit_sha": None,
            "merged": False,
            "merged_by": None,
            "auto_merge": None,
            "mergeable": True,
            "mergeable_state": "clean",
            "head": {"ref": branch, "sha": head, "label": f"fox:{branch}"},
            "base": {"ref": "staging", "sha": "0" * 40, "label": "fox:staging"},
            **changes,
        }
        self.requested[number] = made
        return made

    def merge(self, number: int, commit: str, *, by: str = "fox-bot[bot]", at: str = "2026-11-22T11:00:00Z") -> None:
        """Merge a pull request as this commit."""
        kind = "Bot" if by.endswith("[bot]") else "User"
        self.requested[number] |= {
            "state": "closed",
            "merged": True,
            "merged_at": at,
            "closed_at": at,
            "updated_at": at,
            "merge_commit_sha": commit,
            "merged_by": {"login": by, "type": kind},
            "mergeable": None,
        }

    def close(self, number: int) -> None:
        """Close a pull request without merging it."""
        self.requested[number] |= {"state": "closed", "closed_at": "2026-11-22T11:00:00Z", "mergeable": None}

    def reply(self, method: str, target: str, headers: dict[str, str], body: Any) -> Reply:
        """Answer about pull requests, and leave the rest to the one below."""
        parts = urlsplit(target)
        path = parts.path.removeprefix(f"/repos/{self.repository}/")
        if method != "GET" or not path.startswith("pulls") or headers.get("authorization") != f"Bearer {self.token}":
            return super().reply(method, target, headers, body)
        if "pulls" in self.forbidden:
            return Reply(403, FORBIDDEN, {"X-RateLimit-Remaining": "4999"})
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if path == "pulls":
            return Reply(200, self._listed(query))
        found = self.requested.get(int(path.removeprefix("pulls/")))
        return Reply(200, found) if found else Reply(404, {"message": "Not Found", "status": "404"})

    def _listed(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """A page, as a listing has it: without what only the page of one tells."""
        found = [
            pull
            for pull in self.requested.values()
            if query["state"] in ("all", pull["state"])
            and query.get("base") in (None, pull["base"]["ref"])
            and query.get("head") in (None, pull["head"]["label"])
        ]
        found.sort(key=lambda pull: (pull[f"{query['sort']}_at"], pull["number"]), reverse=True)
        size, page = int(query["per_page"]), int(query.get("page", "1"))
        only_alone = ("merged", "merged_by", "mergeable", "mergeable_state")
        return [
            {name: value for name, value in pull.items() if name not in only_alone}
            for pull in found[(page - 1) * size : page * size]
        ]

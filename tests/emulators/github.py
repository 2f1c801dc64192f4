"""GitHub's REST API on a loopback port: branches, checks, statuses, runs of Actions, pull requests."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from tests.emulators.threaded import Platform, Reply

TOKEN = "ghp_0123456789abcdef0123456789abcdef0123"
FORBIDDEN = {"message": "Resource not accessible by personal access token", "status": "403"}


class GitHubEmulator(Platform):
    """A repository. A test changes its attributes, then runs `nb`."""

    def __init__(self, head: str, repository: str = "fox/bot") -> None:
        super().__init__(TOKEN)
        self.repository = repository
        self.branches = {"staging": head, "main": head}
        self.checks: list[dict[str, Any]] = [check("lint")]
        self.statuses: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.files = ["core/settings.py"]
        self.pulls: list[dict[str, Any]] = []
        self.forbidden: set[str] = set()
        """Last parts of paths that the token may not read."""

    def reply(self, method: str, target: str, headers: dict[str, str], body: Any) -> Reply:
        """Answer as GitHub does: what a token may not see does not exist."""
        if "authorization" in headers and headers["authorization"] != f"Bearer {self.token}":
            return Reply(401, {"message": "Bad credentials", "status": "401"})
        path = urlsplit(target).path
        prefix = f"/repos/{self.repository}/"
        if method != "GET" or not path.startswith(prefix):
            return Reply(404, {"message": "Not Found", "status": "404"})
        parts = [unquote(part) for part in path.removeprefix(prefix).split("/")]
        if parts[-1] in self.forbidden:
            return Reply(403, FORBIDDEN, {"X-RateLimit-Remaining": "4999"})
        found = self._found(parts)
        return Reply(404, {"message": "Not Found", "status": "404"}) if found is None else Reply(200, found)

    def _found(self, parts: list[str]) -> Any:
        match parts:
            case ["branches", name] if name in self.branches:
                return {"name": name, "commit": {"sha": self.branches[name]}, "protected": False}
            case ["commits", sha, "check-runs"]:
                return {"total_count": len(self.checks), "check_runs": self.checks}
            case ["commits", sha, "status"]:
                return {"sha": sha, "state": "pending", "total_count": len(self.statuses), "statuses": self.statuses}
            case ["commits", _, "pulls"]:
                return self.pulls
            case ["commits", sha]:
                return {"sha": sha, "files": [{"filename": name, "status": "modified"} for name in self.files]}
            case ["actions", "runs"]:
                return {"total_count": len(self.runs), "workflow_runs": self.runs}
        return None


def check(name: str, conclusion: str | None = "success", status: str = "completed") -> dict[str, Any]:
    """A check run, or a run of Actions: they tell their state alike."""
    return {"name": name, "status": status, "conclusion": conclusion, "html_url": f"https://github.com/fox/bot/{name}"}

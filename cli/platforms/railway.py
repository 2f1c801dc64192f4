"""Railway's GraphQL API, read only. The token is one environment's project token, or an account's."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlsplit

from cli.errors import CommandFailed, NotAuthenticated, NotFound
from cli.exchange import retry_after
from cli.platforms import graphql
from cli.platforms.credentials import first_set, stored
from cli.platforms.graphql import Query
from cli.platforms.http import Observed, Platform, PlatformAnswer
from cli.platforms.railway_documents import (
    AUTO_DEPLOY,
    DEPLOYMENTS,
    ERRORS,
    EVENTS,
    LOGS,
    PLATFORM,
    SETTINGS,
    AutoDeploy,
    AutoDeployAnswer,
    DeploymentsAnswer,
    EnvironmentSettings,
    EventsAnswer,
    LogLine,
    LogsAnswer,
    PlatformAnswered,
    PlatformStatus,
    SettingsAnswer,
    is_error,
)
from cli.wire import UnexpectedShape, parse

ADDRESS = "https://backboard.railway.com"
PATH = "/graphql/v2"

LATEST = 40
"""How many of an environment's deployments are looked through for a commit."""

NOT_KNOWN = re.compile(
    r"cannot query|unknown (argument|type|field|fragment)|validation|must not have|expected type", re.I
)
"""Words of a server that does not know a field or an argument of ours."""

Shape = TypeVar("Shape")


class SchemaChanged(CommandFailed):
    """Railway does not know what nb asks for; only another version of nb will help."""

    default_code = "schema_changed"


class Railway:
    """One environment of one project at Railway."""

    source = "graphql"

    @property
    def seen(self) -> Observed:
        """What the headers of the last answer told."""
        return self.platform.seen

    def __init__(self, platform: Platform, *, project: str, environment: str) -> None:
        self.platform = platform
        self.project = project
        self.environment = environment

    def deployments(self) -> DeploymentsAnswer:
        """The services of the environment and its newest deployments."""
        variables = {
            **self._place(),
            "input": {"projectId": self.project, "environmentId": self.environment},
            "first": LATEST,
        }
        return self.ask(DEPLOYMENTS, DeploymentsAnswer, variables)

    def settings(self) -> EnvironmentSettings:
        """What makes a push a deployment, and how the services are set up."""
        return self.ask(SETTINGS, SettingsAnswer, self._place())["environment"]

    def platform_status(self) -> PlatformStatus:
        """How Railway itself does."""
        return self.ask(PLATFORM, PlatformAnswered, {})["platformStatus"]

    def auto_deploy(self, service: str) -> AutoDeploy:
        """Whether pushes deploy this service."""
        variables = {**self._place(), "service": service}
        return self.ask(AUTO_DEPLOY, AutoDeployAnswer, variables)["serviceInstanceAutoDeployStatus"]

    def events(self, deployment: str) -> EventsAnswer:
        """The steps of a deployment."""
        return self.ask(EVENTS, EventsAnswer, {"deployment": deployment, "first": 50})

    def error_lines(self, deployment: str, *, since: str | None, limit: int) -> list[LogLine]:
        """The newest lines of a deployment's log that say that something broke."""
        variables = {"deployment": deployment, "filter": ERRORS, "limit": limit, "since": since}
        found = self.ask(LOGS, LogsAnswer, variables)["deploymentLogs"]
        # Railway returns one line more than it is asked for.
        return [line for line in found if is_error(line)][-limit:]

    def ask(self, query: Query, shape: type[Shape], variables: Mapping[str, object]) -> Shape:
        """Send a query and return `data` in its shape.

        Raises:
            NotReadOnly: it is no query; nothing was sent.
            NotAuthenticated: the token is missing, expired, or of another project.
            NotFound: an id of nb.toml is not known to this token.
            SchemaChanged: Railway does not know a field that nb asks for.
            UpstreamFault: Railway is away, limits the rate, or answers in another shape.
        """
        # Checked where it leaves, too: no document gets here by another way.
        graphql.check(query.text)
        answer = self.platform.read("", {"query": query.text, "variables": dict(variables)})
        content = answer.content if isinstance(answer.content, dict) else {}
        errors = content.get("errors")
        if answer.status != 200 or errors:
            raise self._refused(answer, _messages(errors))
        try:
            return parse(shape, content.get("data"))
        except UnexpectedShape as error:
            raise self.platform.fault("unexpected_answer", f"answered what nb does not understand: {error}") from None

    def _place(self) -> dict[str, object]:
        return {"environment": self.environment, "project": self.project}

    def _refused(self, answer: PlatformAnswer, messages: list[str]) -> CommandFailed:
        said = self.platform.masked("; ".join(messages))
        lower = said.lower()
        if answer.status == 429 or "rate limit" in lower:
            return self.platform.fault(
                "rate_limited", "limits the rate of requests", wait_s=retry_after(answer.headers)
            )
        if answer.status in (401, 403) or "not authorized" in lower or "unauthorized" in lower:
            return NotAuthenticated(
                f"Railway refuses the token{f': {said}' if said else ''}: it is expired, or of another environment",
                code="railway_not_authorized",
                fix="make a project token of this environment in Railway and export RAILWAY_TOKEN=...",
            )
        if "not found" in lower:
            return NotFound(f"Railway: {said}", code="railway_not_found", fix="compare the ids in nb.toml")
        if messages and NOT_KNOWN.search(said):
            return SchemaChanged(f"Railway's API has changed: {said}", fix="update nb, or report this message")
        if 300 <= answer.status < 400:
            return self.platform.fault("redirected", "redirects elsewhere; nb does not follow with a token")
        return self.platform.fault("failed", f"answered HTTP {answer.status}{f': {said}' if said else ''}")


def connect_railway(*, environment: str, railway_id: str, project: str, timeout: float) -> Railway:
    """The client of one environment; `environment` is our name of it, `railway_id` Railway's.

    A project token is sent as such, an account's as a bearer; Railway takes neither for the other.

    Raises:
        NotAuthenticated: there is no token.
        UsageMistake: RAILWAY_API_URL is no address, or would carry the token unencrypted.
    """
    url = (os.environ.get("RAILWAY_API_URL", "").strip() or ADDRESS).rstrip("/")
    if not urlsplit(url).path:
        url += PATH
    token = first_set(f"RAILWAY_TOKEN_{environment.upper()}", "RAILWAY_TOKEN")
    account = None if token else first_set("RAILWAY_API_TOKEN")
    if not token and not account:
        token = stored("railway", f"token_{environment}") or stored("railway", "token")
        account = None if token else stored("railway", "api_token")
    if not token and not account:
        raise NotAuthenticated(
            f"there is no Railway token for {environment}",
            code="no_railway_token",
            fix="export RAILWAY_TOKEN=... (a project token of this environment), or RAILWAY_API_TOKEN=...",
        )
    headers = {"Project-Access-Token": token} if token else {"Authorization": f"Bearer {account}"}
    platform = Platform("Railway", url, {**headers, "Accept": "application/json"}, token or account, timeout)
    return Railway(platform, project=project, environment=railway_id)


def _messages(errors: object) -> list[str]:
    if not isinstance(errors, list):
        return []
    return [str(error.get("message", "")) if isinstance(error, dict) else str(error) for error in errors]

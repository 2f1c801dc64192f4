"""Logs of what Railway runs: which deployments, their lines page by page, and following them by asking again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cli.deploys.survey import railway_source
from cli.durations import say_duration
from cli.errors import NotFound, UpstreamFault
from cli.invocation import current, warn
from cli.logs.lines import LEVELS, SYNONYMS, Line, grouped, parse, rank, structured
from cli.logs.local import Found, in_order
from cli.logs.query import Query
from cli.logs.shapes import Failing
from cli.logs.source import Name, Tail, at_least, said
from cli.moments import parse_moment
from cli.output import progress
from cli.platforms.http import CLOCK_TOLERANCE_S, Observed
from cli.platforms.railway import Railway
from cli.platforms.railway_documents import Deployment, DeploymentsAnswer
from cli.platforms.railway_logs import PAGE, Lines, ProgramLines, RailwayLines, RemoteLine, Window
from cli.project import load_project

if TYPE_CHECKING:
    from cli.platforms.railway_program import RailwayProgram

MOST_PAGES = 10
"""Pages that are read back for one answer, after the first."""

MOST_DEPLOYMENTS = 12
NEVER_RAN = frozenset({"SKIPPED", "QUEUED", "WAITING", "NEEDS_APPROVAL", "INITIALIZING"})

PAUSE_S = 5.0
"""Between two looks when following: 720 requests an hour, of the thousand that the smaller plan allows."""

OVERLAP = timedelta(seconds=15 + CLOCK_TOLERANCE_S)
"""How far back each look begins: lines arrive late and out of order, and clocks differ by as much unnoticed."""

MOST_SEEN = 50_000
MOST_FAILURES = 6

LOOKS_PER_SURVEY = 12
"""Looks after which it is asked again what runs, so that a new deployment is followed, too."""

WORDS = ("event", "trace_id", "run_code", "at", "level", "service", "logger", "exception", "stack")
"""Attributes that are text even where they look like a number."""


@dataclass(frozen=True)
class Place:
    """A deployment whose lines are wanted, and whose they are."""

    deployment: str
    service: str


class RailwayLogs:
    """The logs of one environment."""

    name: Name = "railway"
    home: Path | None = None

    def __init__(self, lines: Lines, survey: Survey, services: Mapping[str, str], deployment: str | None) -> None:
        self.known: Sequence[str] = list(services)
        self._lines = lines
        self._survey = survey
        self._services = services
        self._deployment = deployment
        self._seen: dict[tuple[object, ...], None] = {}
        self._floor: dict[str, str] = {}
        """When the oldest line was written that was read of a deployment."""
        self.clock = Observed()
        """How far our clock is off Railway's, by which lines are asked for."""

    @classmethod
    def connect(cls, name: str, deployment: str | None, *, is_build: bool) -> RailwayLogs:
        """The logs of an environment by its name; nothing is asked yet.

        Raises:
            UsageMistake: it is not deployed.
            NotAuthenticated: there is no token.
        """
        project = load_project()
        environment = project.environment(name)
        railway = railway_source(name, environment.railway_id, project.railway_id, current().timeout)
        survey = Survey(railway.deployments, is_build=is_build)
        lines: Lines
        if isinstance(railway, Railway):
            lines = RailwayLines(railway, is_build=is_build)
        else:
            lines = ProgramLines(cast("RailwayProgram", railway), survey.service_of, is_build=is_build)
        found = cls(lines, survey, project.services, deployment)
        found.clock = railway.seen
        found.name = "railway" if isinstance(railway, Railway) else "railway-cli"
        return found

    def newest(self, query: Query, most: int) -> Found:
        """The newest lines that are wanted, within bounds: a page of each deployment, and some more where needed."""
        places = self._places(query)
        found: list[Line] = []
        is_cut = False
        for place, lines, is_whole in self._pages(places, query, most):
            if lines:
                self._floor[place.deployment] = lines[0]["timestamp"]
            for line in lines:
                self._is_new(line)
            found += [line for line in _lines_of(place, lines) if query.matches(line)]
            is_cut = is_cut or not is_whole
        ordered = in_order(reversed(found))
        return Found(ordered[-most:], is_cut or len(ordered) > most)

    def failing(self, query: Query, level: str) -> Failing | None:
        """Counts the lines of a page of each deployment, and of those before it as far as is bearable."""
        found = self.newest(at_least(query, level), PAGE)
        if not found.lines:
            return None
        since = query.since or found.lines[0].at
        return {"level": level, "count": len(found.lines), "since": said(since)}

    def tail(self, query: Query) -> Tail:
        """Ask again and again."""
        return RemoteTail(self, query)

    def new_since(self, since: datetime, query: Query, *, survey: bool) -> list[Line]:
        """The lines since a moment that were not read before; with `survey` it is looked first what runs now."""
        if survey:
            self._survey.again()
        window = Window(PAGE, filter_of(query)[0], since=_said(since))
        places = self._places(query)
        answer = self._lines.read([place.deployment for place in places], window)
        found: list[Line] = []
        for place in places:
            # What lies before the first line that was shown was left out, and is not new.
            floor = self._floor.get(place.deployment, "")
            new = [line for line in answer[place.deployment] if line["timestamp"] >= floor and self._is_new(line)]
            found += _lines_of(place, new)
        return in_order(reversed(found))

    def _is_new(self, line: RemoteLine) -> bool:
        key = _identity(line)
        if key in self._seen:
            return False
        self._seen[key] = None
        if len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        return True

    def _places(self, query: Query) -> list[Place]:
        wanted = {
            identity: name for name, identity in self._services.items() if not query.services or name in query.services
        }
        if self._deployment is not None:
            service = self._survey.service_of(self._deployment)
            return [Place(self._deployment, self._name_of(service))]
        places = [Place(one["id"], wanted[one["serviceId"] or ""]) for one in self._survey.wanted(wanted, query)]
        if not places:
            raise NotFound(
                f"nothing of {', '.join(wanted.values())} has been deployed to {current().environment}",
                code="not_deployed",
                fix=f"nb deploy status --env {current().environment}",
            )
        if len(places) > MOST_DEPLOYMENTS:
            warn("deployments_left_out", f"{len(places)} deployments ran then; the newest {MOST_DEPLOYMENTS} are shown")
        return places[:MOST_DEPLOYMENTS]

    def _name_of(self, service: str | None) -> str:
        return next((name for name, identity in self._services.items() if identity == service), "deployment")

    def _pages(
        self, places: Sequence[Place], query: Query, most: int
    ) -> Iterator[tuple[Place, list[RemoteLine], bool]]:
        """The lines of each deployment, and whether these are all that were wanted of it."""
        pattern, is_exact = filter_of(query)
        limit = min(most, PAGE) if is_exact else PAGE
        window = Window(limit, pattern, _said(query.since), _said(query.until))
        first = self._lines.read([place.deployment for place in places], window)
        pages = MOST_PAGES
        for place in places:
            lines = _once(first[place.deployment])
            size = len(lines)
            wanted = sum(query.matches(line) for line in _lines_of(place, lines))
            while size >= limit and wanted < most and pages > 0:
                pages -= 1
                older = replace(window, until=lines[0]["timestamp"])
                more = self._lines.read([place.deployment], older)[place.deployment]
                before = len(lines)
                lines = _once([*more, *lines])
                size = len(more) if len(lines) > before else 0
                wanted = sum(query.matches(line) for line in _lines_of(place, lines))
            yield place, lines, size < limit


class Survey:
    """Which deployments there are."""

    def __init__(self, ask: Callable[[], DeploymentsAnswer], *, is_build: bool) -> None:
        self._ask = ask
        self._is_build = is_build
        self._found: DeploymentsAnswer | None = None

    def again(self) -> None:
        """Forget what was found."""
        self._found = None

    def service_of(self, deployment: str) -> str | None:
        """The service of a deployment, None where it is too old to be listed."""
        return next((one["serviceId"] for one in self._all() if one["id"] == deployment), None)

    def wanted(self, services: Iterable[str], query: Query) -> list[Deployment]:
        """The deployments of these services that ran when it is asked about; what runs now where it is not asked."""
        found: list[Deployment] = []
        for service in services:
            listed = sorted(
                (one for one in self._all() if one["serviceId"] == service),
                key=lambda one: one["createdAt"],
                reverse=True,
            )
            if self._is_build:
                found += [one for one in listed if one["status"] not in NEVER_RAN][:1]
            else:
                found += self._that_ran(service, listed, query)
        return sorted(found, key=lambda one: one["createdAt"], reverse=True)

    def _that_ran(self, service: str, listed: Sequence[Deployment], query: Query) -> Iterator[Deployment]:
        active = {one["id"] for one in self._active(service)}
        replaced_at: datetime | None = None
        is_first = True
        for one in listed:
            if one["status"] in NEVER_RAN:
                continue
            created = parse_moment(one["createdAt"])
            ran_then = query.since is not None and (replaced_at is None or replaced_at >= query.since)
            # The newest one may have crashed while the one before it goes on: both are what is asked about.
            if (one["id"] in active or is_first or ran_then) and (query.until is None or created <= query.until):
                yield one
            is_first = False
            if one["id"] in active or one["status"] in ("REMOVED", "REMOVING"):
                replaced_at = created

    def _active(self, service: str) -> list[Deployment]:
        edges = self._answer()["environment"]["serviceInstances"]["edges"]
        return [
            one for edge in edges if edge["node"]["serviceId"] == service for one in edge["node"]["activeDeployments"]
        ]

    def _all(self) -> list[Deployment]:
        answer = self._answer()
        listed = [edge["node"] for edge in answer["deployments"]["edges"]]
        for edge in answer["environment"]["serviceInstances"]["edges"]:
            node = edge["node"]
            listed += [*node["activeDeployments"], *([node["latestDeployment"]] if node["latestDeployment"] else [])]
        return list({one["id"]: one for one in listed}.values())

    def _answer(self) -> DeploymentsAnswer:
        if self._found is None:
            self._found = self._ask()
        return self._found


class RemoteTail:
    """What Railway has that it had not before."""

    def __init__(self, logs: RailwayLogs, query: Query) -> None:
        self.pause = PAUSE_S
        self._logs = logs
        self._query = query
        self._began = datetime.now(UTC)
        self._since: datetime | None = None
        self._looks = 0
        self._failures = 0

    def read(self) -> list[Line]:
        """The lines that were not there at the last look. A look that fails is made up for by the next one.

        Raises:
            UpstreamFault: it failed too often.
        """
        self._looks += 1
        skew = timedelta(seconds=self._logs.clock.skew_s)
        began = datetime.now(UTC) + skew
        if self._since is None:
            # What Railway's clock says was not known before the first answer.
            self._since = self._began + skew - OVERLAP
        try:
            lines = self._logs.new_since(self._since, self._query, survey=self._looks % LOOKS_PER_SURVEY == 0)
        except UpstreamFault as fault:
            self._failures += 1
            if self._failures >= MOST_FAILURES:
                raise
            self.pause = max(PAUSE_S * 2**self._failures, fault.retry_after or 0.0)
            progress().line(f"{fault.message}; asked again in {say_duration(self.pause)}", style="2")
            return []
        self._failures, self.pause = 0, PAUSE_S
        self._since = began - OVERLAP
        return lines

    def close(self) -> None:
        """Nothing is open."""


def filter_of(query: Query) -> tuple[str | None, bool]:
    """What Railway can leave out by itself, in its language, and whether that is all that is asked for."""
    code, key = (query.trace, "trace_id") if query.trace else (query.generation, "run_code")
    if code is not None and len(code) == 32 and not (query.trace and query.generation):
        return f'@{key}:{code} OR "{code}"', query.level is None and query.grep is None
    if query.level is not None and rank(query.level) > rank("info"):
        names = [name for name in LEVELS if rank(name) >= rank(query.level)]
        names += [name for name, ours in SYNONYMS.items() if ours in names]
        levels = " OR ".join(f"@level:{name}" for name in names)
        return f'{levels} OR "Traceback (most recent call last)"', query.grep is None and code is None
    return None, query.level is None and query.grep is None and code is None


def _lines_of(place: Place, lines: Iterable[RemoteLine]) -> list[Line]:
    """Lines of one deployment in our form, tracebacks put together for each of its containers."""
    by_container: dict[str | None, list[Line]] = {}
    for line in sorted(lines, key=lambda line: line["timestamp"]):
        tags = line["tags"] or {"deploymentInstanceId": None}
        by_container.setdefault(tags["deploymentInstanceId"], []).append(line_of(place, line))
    return [
        replace(line, deployment=place.deployment, service=place.service)
        for some in by_container.values()
        for line in grouped(some)
    ]


def line_of(place: Place, line: RemoteLine) -> Line:
    """One line in our form; the time is Railway's where the line says none."""
    attributes = {one["key"]: _value(one["key"], one["value"]) for one in line["attributes"]}
    severity = (line["severity"] or "info").lower()
    at = _moment(line["timestamp"])
    if set(attributes) - {"level"}:
        entry = {"level": severity, **attributes}
        if line["message"]:
            entry.setdefault("event", line["message"])
        found = structured(place.service, entry)
    else:
        found = parse(place.service, line["message"])
        if found.kind == "loose":
            found = replace(found, level=SYNONYMS.get(severity, severity))
    return found if found.at is not None else replace(found, at=at)


def _value(key: str, text: str) -> Any:  # noqa: ANN401  Whatever JSON holds.
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return text if key in WORDS and not isinstance(value, str) else value


def _moment(text: str) -> datetime | None:
    try:
        return parse_moment(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return None


def _said(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _identity(line: RemoteLine) -> tuple[object, ...]:
    container = line["tags"]["deploymentInstanceId"] if line["tags"] else None
    said = tuple((one["key"], one["value"]) for one in line["attributes"])
    return line["timestamp"], line["message"], said, container


def _once(lines: Iterable[RemoteLine]) -> list[RemoteLine]:
    """Lines without those that came twice, the oldest first."""
    found = {_identity(line): line for line in lines}
    return sorted(found.values(), key=lambda line: line["timestamp"])

"""`nb logs`: what the services say, merged by time: of this machine from files, of others from Railway."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Annotated

import typer

from cli import suggestions
from cli.durations import parse_duration
from cli.envelope import NextStep, Notice, Outcome, Problem
from cli.environments import LOCAL, choose, nb_home
from cli.errors import NotFound, UsageMistake
from cli.exit_codes import ExitCode
from cli.invocation import current
from cli.logs import view
from cli.logs.folding import counts, folded
from cli.logs.lines import LEVELS, Line, rank
from cli.logs.masking import masker
from cli.logs.moments import parse_when
from cli.logs.query import Query
from cli.logs.shapes import Failing, LogsData
from cli.logs.source import LocalLogs, Source, said
from cli.output import Screen

ALL = "all"
USUAL = 200
MOST = 10_000
"""Lines at once; more are asked for in parts, by --since and --until."""

TRACE = re.compile(r"[0-9a-f]{6,32}")
ANYTHING = re.compile(r"\A(?:\.\*\??(?![*+?{]))+(?!\Z)")
CODE = re.compile(r"[A-Za-z0-9_-]{4,64}")


def logs(
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SERVICE]...", help="web, worker, beat or all; on this machine also postgres, redis."),
    ] = None,
    number: Annotated[
        int, typer.Option("-n", "--lines", metavar="N", show_default=False, help=f"The newest N lines ({USUAL}).")
    ] = USUAL,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="From then on: 15m, 2h, today, 2026-11-22T10:00.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Up to then.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    level: Annotated[
        str | None, typer.Option("--level", metavar="LEVEL", help="This level or worse: " + ", ".join(LEVELS) + ".")
    ] = None,
    grep: Annotated[
        str | None, typer.Option("--grep", metavar="REGEX", help="Search event, fields and traceback.")
    ] = None,
    ignore_case: Annotated[bool, typer.Option("--ignore-case", "-i", help="--grep takes a for A.")] = False,
    trace: Annotated[
        str | None, typer.Option("--trace", metavar="ID", help="A correlation id, or how it begins.")
    ] = None,
    generation: Annotated[
        str | None, typer.Option("--gen", metavar="ID", help="A generation, as `nb gen list` names it.")
    ] = None,
    deployment: Annotated[
        str | None, typer.Option("--deployment", metavar="ID", help="One deployment instead of what runs now.")
    ] = None,
    build: Annotated[bool, typer.Option("--build", help="Of the build instead of what runs.")] = False,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", metavar="LEVEL", help="Exit with 1 when such lines are there.")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="Of a request; with --follow, the end of it all.")
    ] = None,
) -> Outcome:
    """Show what the services say, merged by time, the newest lines and never more than asked for.

    Secrets are masked. Times are those of this machine unless they end in Z. Of what is deployed, lines come from
    Railway.

    Examples:
        nb logs
        nb logs worker --since 2h --level warning
        nb logs --trace 41e3046c
        nb logs --env staging --since 15m --fail-on error --json
        nb logs web -f --grep 'status=5\\d\\d'
    """
    query = _query(since, until, level, grep, ignore_case, trace, generation)
    if not 1 <= number <= MOST:
        raise UsageMistake(f"-n {number}: between 1 and {MOST} lines", fix=f"-n {MOST} --since 1h")
    failing_level = _level("--fail-on", fail_on) if fail_on is not None else None
    source = _source(deployment, is_build=build)
    query = _of_services(query, services or [ALL], source)
    if follow:
        from cli.logs.live import follow as followed

        ends = [end for end in (parse_duration(timeout) if timeout else None, current().wait) if end is not None]
        return followed(source, query, number, fail_on=failing_level, patience=min(ends, default=None))
    return _once(source, query, number, failing_level)


def _once(source: Source, query: Query, number: int, fail_on: str | None) -> Outcome:
    found = source.newest(query, number)
    mask = masker(source.home)
    lines = folded(map(mask, found.lines))
    failing = source.failing(query, fail_on) if fail_on is not None else None
    data: LogsData = {
        "source": source.name,
        "services": sorted(query.services) or [ALL],
        "since": said(query.since),
        "until": said(query.until),
        "lines": [view.as_data(line) for line in lines],
        "counts": counts(lines),
        "truncated": found.is_cut,
        "failing": failing,
    }

    def show(screen: Screen) -> None:
        view.show(screen, lines)
        if not lines:
            screen.state("note", "no such lines")

    problem = problem_of(failing)
    return Outcome(
        data,
        show,
        problem,
        ExitCode.OK if problem is None else ExitCode.CHECK_FAILED,
        warnings=_left_out(query, found.is_cut, number),
        next_steps=_next(query, lines),
    )


def problem_of(failing: Failing | None) -> Problem | None:
    """What --fail-on found, as the reason of an exit code that is not 0."""
    if failing is None:
        return None
    count, level = failing["count"], failing["level"]
    since = f" since {failing['since']}" if failing["since"] else ""
    env = "" if current().environment == LOCAL else f" --env {current().environment}"
    return Problem(
        "lines_found",
        f"{count} {'line' if count == 1 else 'lines'} of level {level} or worse{since}",
        fix=f"nb logs{env} --level {level}",
    )


def _left_out(query: Query, is_cut: bool, number: int) -> tuple[Notice, ...]:
    if not is_cut or query.since is None:
        return ()
    return (Notice("older_lines_left_out", f"there are more than {number} such lines; the newest are shown"),)


def _next(query: Query, lines: list[Line]) -> tuple[NextStep, ...]:
    if query.trace is not None:
        return ()
    bad = [line for line in lines if rank(line.level) >= rank("error") and line.trace_id]
    if not bad:
        return ()
    env = "" if current().environment == LOCAL else f" --env {current().environment}"
    return (NextStep(f"nb logs{env} --trace {bad[-1].trace_id}", "everything about the newest error"),)


def _query(
    since: str | None,
    until: str | None,
    level: str | None,
    grep: str | None,
    ignore_case: bool,
    trace: str | None,
    generation: str | None,
) -> Query:
    now = datetime.now().astimezone()
    begin = _moment("--since", since, now) if since is not None else None
    end = _moment("--until", until, now) if until is not None else None
    if begin is not None and end is not None and end < begin:
        raise UsageMistake(f"--until {until} is before --since {since}", fix=f"--since {until} --until {since}")
    return Query(
        since=begin,
        until=end,
        level=_level("--level", level) if level is not None else None,
        grep=_pattern(grep, ignore_case=ignore_case) if grep is not None else None,
        trace=_trace(trace) if trace is not None else None,
        generation=_code(generation) if generation is not None else None,
    )


def _moment(option: str, text: str, now: datetime) -> datetime:
    try:
        return parse_when(text, now)
    except ValueError as error:
        raise UsageMistake(f"{option} {text!r}: {error}", fix=f"{option} 2h") from None


def _level(option: str, text: str) -> str:
    level = {"warn": "warning", "fatal": "critical"}.get(text.lower(), text.lower())
    if level not in LEVELS:
        near = suggestions.nearest(level, LEVELS)
        message = f"{option} {text!r} is no level.{suggestions.hint(near)}"
        raise UsageMistake(message, fix=f"{option} {'|'.join(LEVELS)}", data=suggestions.as_data(near))
    return level


def _pattern(text: str, *, ignore_case: bool) -> re.Pattern[str]:
    try:
        pattern = re.compile(text, re.IGNORECASE if ignore_case else re.NOFLAG)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageMistake(
            f"--grep {text!r} is no regular expression: {error}", fix="put a backslash before ( ) [ ] * + ? . |"
        ) from None
    # What stands after anything at all stands there without it, and is found at once.
    return re.compile(ANYTHING.sub("", text), pattern.flags & ~re.UNICODE)


def _trace(text: str) -> str:
    plain = text.strip().replace("-", "").lower()
    if not TRACE.fullmatch(plain):
        raise UsageMistake(
            f"--trace {text!r} is no correlation id: 32 hexadecimal digits, or the first 6 or more of them",
            fix="--gen ID for a generation, --grep TEXT for anything else",
        )
    return plain


def _code(text: str) -> str:
    if not CODE.fullmatch(text.strip()):
        raise UsageMistake(f"--gen {text!r} is no generation", fix="nb gen list")
    return text.strip()


def _source(deployment: str | None, *, is_build: bool) -> Source:
    name = choose(current())
    if name != LOCAL:
        from cli.logs.remote import RailwayLogs

        return RailwayLogs.connect(name, deployment, is_build=is_build)
    if deployment is not None or is_build:
        option = "--build" if is_build else "--deployment"
        raise UsageMistake(f"{option} is for what Railway runs, not for this machine", fix="--env staging|production")
    return LocalLogs(nb_home())


def _of_services(query: Query, names: list[str], source: Source) -> Query:
    if ALL in names:
        return query
    for name in names:
        if name not in source.known:
            near = suggestions.nearest(name, [*source.known, ALL], most=3)
            if name in ("tail", "follow", "watch"):
                near = ["--follow"]
            raise NotFound(
                f"there is no service {name!r} in {current().environment}.{suggestions.hint(near)}",
                data=suggestions.as_data(near),
                code="unknown_service",
                fix=f"nb logs {'|'.join([*source.known, ALL])}",
            )
    return replace(query, services=frozenset(names))

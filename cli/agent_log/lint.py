"""What is not in order in the log. Each rule is a function over what was read; findings name file, line and what to do.

Rules over files need nothing but the repository. Those that compare entries with pull requests are in
:mod:`cli.agent_log.lint_pulls`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cli.agent_log import document, template, view, words
from cli.agent_log.entry import Status, Verdict, day_of, moment_of
from cli.agent_log.facts import is_verified
from cli.agent_log.files import Broken, Log, Stored
from cli.agent_log.git import GitSilent, Repository
from cli.agent_log.shapes import Finding

CONFLICT_MARKER = re.compile(r"(<{7}|>{7}|\|{7})( |$)")
LARGEST_READ = 4 * 1024 * 1024
TEXTS = frozenset({".md", ".txt", ".csv", ".json", ".yml", ".yaml", ".toml", ".html", ".sql", ".sh", ".py", ""})


@dataclass(frozen=True, slots=True)
class Read:
    """What the rules look at."""

    log: Log
    stored: Sequence[Stored]
    broken: Sequence[Broken]
    now: datetime
    open_for: timedelta

    def finding(self, rule: str, path: Path, message: str, *, line: int = 1, fix: str | None = None) -> Finding:
        """A finding about a file."""
        return {"rule": rule, "file": self.log.shown(path), "line": line, "message": message, "fix": fix}


def findings(read: Read) -> list[Finding]:
    """Every finding that the repository alone gives, by file and line."""
    found = [finding for rule in RULES for finding in rule(read)]
    return sorted(found, key=lambda finding: (finding["file"], finding["line"], finding["rule"]))


def _malformed(read: Read) -> Iterator[Finding]:
    for broken in read.broken:
        fix = 'compare with what this would write: nb agent-log add "…" --dry-run'
        yield read.finding("malformed", broken.path, broken.why, line=broken.line, fix=fix)


def _template(read: Read) -> Iterator[Finding]:
    """The body follows from the front matter and the words in it; anything else was changed by hand."""
    for one in read.stored:
        expected = document.written(one.entry)
        if one.text == expected:
            continue
        lines = zip(f"{one.text}\n".split("\n"), f"{expected}\n".split("\n"), strict=False)
        number = next((number for number, (is_so, should) in enumerate(lines, 1) if is_so != should), 1)
        should = f"{expected}\n".split("\n")
        wanted = should[number - 1] if number <= len(should) else ""
        message = f"differs from its facts or from the template (3.5): here should be {wanted[:80]!r}"
        yield read.finding("template", one.path, message, line=number, fix=f"nb agent-log sync {one.entry.id}")


def _dates(read: Read) -> Iterator[Finding]:
    tomorrow = read.now.date() + timedelta(days=1)
    for one in read.stored:
        said = one.entry
        day = day_of(said.id)
        if day is None:
            yield read.finding("bad_id", one.path, f"the id {said.id[:60]!r} is no date with a ULID", line=2)
            continue
        if one.path != read.log.path_of(said):
            yield read.finding(
                "bad_place",
                one.path,
                "the file is not where its id and date say",
                fix=read.log.shown(read.log.path_of(said)),
            )
        moment = moment_of(said.id)
        if day != said.date or moment is None or moment.date() != said.date:
            yield read.finding("bad_date", one.path, "the id was made on another day than the date says", line=3)
        elif said.date > tomorrow:
            yield read.finding("bad_date", one.path, f"{said.date.isoformat()} has not come yet", line=3)


def _duplicates(read: Read) -> Iterator[Finding]:
    by_id: dict[str, list[Path]] = defaultdict(list)
    for one in read.stored:
        by_id[one.entry.id.upper()].append(one.path)
    for identity, paths in by_id.items():
        for path in sorted(paths)[1:]:
            message = f"{identity} is the id of {read.log.shown(sorted(paths)[0])} too"
            yield read.finding("duplicate_id", path, message, line=2, fix="remove the copy")


def _results(read: Read) -> Iterator[Finding]:
    for one in read.stored:
        said = one.entry
        if said.status is not Status.OPEN and not _says_result(one.text):
            yield read.finding(
                "no_result", one.path, "the result is missing", line=_line_of(one.text, template.RESULT_HEADING)
            )
        if not said.is_deploy and not said.did and said.status is not Status.OPEN and not said.result:
            message = "says neither what was done nor what came of it"
            yield read.finding("no_result", one.path, message, line=_line_of(one.text, template.DONE_HEADING))
        age = read.now.date() - said.date
        if said.status is Status.OPEN and age > read.open_for:
            message = f"is open for {age.days} days"
            yield read.finding(
                "open_too_long", one.path, message, line=5, fix=f"nb agent-log sync {said.id} --result …"
            )


def _success(read: Read) -> Iterator[Finding]:
    for one in read.stored:
        said = one.entry
        if not said.is_deploy:
            continue
        fix = f"nb agent-log sync {said.id}"
        if said.verdict is Verdict.PASSED and not said.runs:
            yield read.finding("success_without_verdict", one.path, "passed, and no run of nb that said so", fix=fix)
        elif not is_verified(said):
            for number, line in enumerate(one.text.split("\n"), 1):
                if words.says_success(line):
                    message = f"✅ where verify did not pass (2.4.3): {said.verdict}"
                    yield read.finding("success_without_verdict", one.path, message, line=number, fix=fix)


def _view(read: Read) -> Iterator[Finding]:
    path = read.log.view
    state = view.state(read.log, read.stored)
    if state == "stale":
        yield read.finding("view_stale", path, "is not what the entries give", fix="nb agent-log render")
    if state == "foreign":
        yield read.finding(
            "view_foreign",
            path,
            "was written by hand; entries have files of their own",
            fix=f"git mv {read.log.shown(path)} {read.log.shown(read.log.folder)}/AGENTS_LOGS_archive.md",
        )
    elif view.is_tracked(read.log):
        message = "is tracked by git: every branch that adds an entry conflicts in it"
        yield read.finding("view_tracked", path, message, fix=f"git rm --cached {read.log.shown(path)}")


def _texts(read: Read) -> Iterator[Finding]:
    """Marks of a conflict in any file of the documentation, secrets in the log's own."""
    for path in _documents(read.log):
        try:
            with path.open("rb") as file:
                text = file.read(LARGEST_READ).decode("utf-8", "replace")
        except OSError:
            # Listed by git and gone from the folder.
            continue
        is_log = read.log.entries in path.parents or path.name.startswith("AGENTS_LOGS")
        for number, line in enumerate(text.split("\n"), 1):
            if CONFLICT_MARKER.match(line):
                yield read.finding("conflict_marker", path, "the mark of a merge conflict", line=number)
            if is_log and words.holds_secret(line):
                message = "holds what looks like a secret (2.5)"
                yield read.finding("secret", path, message, line=number, fix="revoke it, then remove it")


def _documents(log: Log) -> list[Path]:
    """Text files below the folder: those that git tracks and those that are there."""
    try:
        tracked = Repository(log.root).tracked(log.folder)
    except GitSilent:
        tracked = []
    present = [path for path in log.folder.rglob("*") if path.is_file() and not path.name.endswith(".tmp")]
    return sorted(path for path in {*tracked, *present} if path.suffix.lower() in TEXTS)


def _says_result(text: str) -> bool:
    return bool(text.partition(template.RESULT_HEADING)[2].strip())


def _line_of(text: str, heading: str) -> int:
    lines = text.split("\n")
    return lines.index(heading) + 1 if heading in lines else 1


RULES = (_malformed, _template, _dates, _duplicates, _results, _success, _view, _texts)
"""In no particular order; each finds what the others do not."""

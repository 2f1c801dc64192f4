"""The body of an entry: the template of the regulation's 3.5, letter by letter, filled with facts; and back.

The steps of a deployment and the line of the pull request follow from the front matter, so only the description, what
else was done and the result are read from a body.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cli.agent_log import words
from cli.agent_log.entry import UNKNOWN, Entry, Kind, PullState, Status, Verdict
from cli.agent_log.frontmatter import Malformed
from cli.commits import short
from cli.platforms.railway_documents import PROGRESS

NAMES = {
    Kind.STAGING_DEPLOY: "Staging Deployment",
    Kind.PRODUCTION_DEPLOY: "Production Deployment",
    Kind.WORK: "Работа",
    Kind.INCIDENT: "Инцидент",
}
DONE_HEADING = "### Выполненные действия:"
RESULT_HEADING = "### Результат:"
STEPS = ("Push в GitHub", "PR Status: ", "Railway deployment: ")
"""How the three steps of a deployment begin; what they say follows from the facts."""

_HEADING = re.compile(r"## \[(\d{4}-\d{2}-\d{2})\] (" + "|".join(NAMES.values()) + r"): (.+)")
_STEP = re.compile(r"([1-9]\d*)\. (.+)")


@dataclass(frozen=True, slots=True)
class Body:
    """What a body says beyond the facts."""

    date: str
    kind: Kind
    title: str
    did: tuple[str, ...]
    result: str


def written(entry: Entry) -> str:
    """The body, ending with a line break."""
    lines = [
        f"## [{entry.date.isoformat()}] {NAMES[entry.kind]}: {words.in_heading(entry.title)}",
        "",
        f"**Агент:** {words.in_heading(entry.agent) or UNKNOWN}",
        f"**Ветка:** {words.in_heading(entry.branch) or UNKNOWN}",
        f"**PR:** {pull_line(entry)}",
    ]
    if not entry.is_deploy:
        lines.append(f"**Коммиты:** {', '.join(map(short, entry.commits)) or UNKNOWN}")
    lines += ["", DONE_HEADING]
    lines += [f"{number}. {step}" for number, step in enumerate(steps(entry), 1)]
    lines += ["", RESULT_HEADING, result_line(entry)]
    return "\n".join(lines) + "\n"


def steps(entry: Entry) -> list[str]:
    """What was done, in order."""
    own = [words.in_line(step) for step in entry.did]
    if not entry.is_deploy:
        return own
    pushed = {True: "", False: ": не выполнен", None: f": {UNKNOWN}"}[entry.is_pushed]
    return [f"{STEPS[0]}{pushed}", f"{STEPS[1]}{merge_words(entry)}", f"{STEPS[2]}{deployment_words(entry)}", *own]


def pull_line(entry: Entry) -> str:
    """`#464 (Status: MERGED)`, or what is the case instead."""
    pull = entry.pull
    if pull.number is not None:
        return f"#{pull.number} (Status: {UNKNOWN if pull.state is PullState.UNKNOWN else pull.state})"
    return "не создан" if pull.state is PullState.NONE else UNKNOWN


def merge_words(entry: Entry) -> str:
    """Whether the branch could be merged, and how it was."""
    pull = entry.pull
    if pull.state is PullState.NONE:
        return "PR не создан"
    if pull.state is PullState.UNKNOWN:
        return UNKNOWN
    if pull.state is PullState.CLOSED:
        return "CLOSED (закрыт без слияния)"
    if pull.state is PullState.OPEN:
        waiting = {"mergeable": "MERGEABLE (ожидает слияния)", "conflicting": "CONFLICTING (не разрешён)"}
        return waiting.get(pull.how, f"UNKNOWN ({UNKNOWN})")
    if pull.how == "conflict":
        return "CONFLICTING (Resolved manually)"
    if pull.how == "auto":
        return "MERGEABLE (Auto-merged)"
    by = pull.how.removeprefix("by:")
    return f"MERGEABLE (слил {words.in_heading(by)})" if by else f"MERGEABLE (кто слил: {UNKNOWN})"


def deployment_words(entry: Entry) -> str:
    """The state of the deployment; the sign of success only where verify passed."""
    states = {service: deployment.state for service, deployment in entry.deployments.items()}
    worst = worst_state(entry)
    if worst is None:
        return "✅ SUCCESS" if entry.verdict is Verdict.PASSED else f"⏳ {UNKNOWN}"
    progress = PROGRESS.get(worst, "unknown")
    if entry.verdict is Verdict.PASSED and progress not in ("failed", "skipped"):
        return "✅ SUCCESS"
    if progress in ("running", "replaced"):
        said = "не пройден" if entry.verdict is Verdict.FAILED else "не выполнен"
        return f"{'❌' if entry.verdict is Verdict.FAILED else '⏳'} {worst} (nb deploy verify {said})"
    sign = "❌" if progress in ("failed", "skipped") else "⏳"
    word = "не начат" if worst == "absent" else worst
    if len(set(states.values())) == 1:
        return f"{sign} {word}"
    parts = ", ".join(f"{service} {'не начат' if state == 'absent' else state}" for service, state in states.items())
    return f"{sign} {word} ({parts})"


WORST_FIRST = ("failed", "skipped", "unknown", "pending", "replaced", "running")


def worst_state(entry: Entry) -> str | None:
    """The platform's word for the worst state among the services, None where nothing is known."""
    states = [deployment.state for deployment in entry.deployments.values()]
    ranked = sorted(states, key=lambda state: WORST_FIRST.index(PROGRESS.get(state, "unknown")))
    return ranked[0] if ranked else None


def result_line(entry: Entry) -> str:
    """The result that was given, else the one that the facts give."""
    return words.in_line(entry.result) if entry.result else automatic_result(entry)


def automatic_result(entry: Entry) -> str:
    """What the facts say of the result."""
    environment = entry.kind.environment
    if entry.pull.state is PullState.CLOSED and entry.status is not Status.OPEN:
        return CLOSED
    if environment is None:
        return {Status.OPEN: IN_WORK, Status.DONE: MERGED, Status.FAILED: CLOSED}[entry.status]
    name = environment.capitalize()
    if entry.status is Status.DONE:
        return {"staging": READY_STAGING, "production": READY_PRODUCTION}[environment]
    if entry.status is Status.FAILED:
        return f"❌ {name} не прошёл проверку"
    return f"⏳ {name} ожидает проверки: nb deploy verify --env {environment}"


CLOSED = "❌ PR закрыт без слияния"
MERGED = "PR слит"
IN_WORK = "⏳ В работе"
READY_STAGING = "✅ Staging готов к тестированию"
READY_PRODUCTION = "✅ Production проверен и работает"

AUTOMATIC = frozenset(
    {
        CLOSED,
        MERGED,
        IN_WORK,
        READY_STAGING,
        READY_PRODUCTION,
        *(f"❌ {name} не прошёл проверку" for name in ("Staging", "Production")),
        *(
            f"⏳ {name.capitalize()} ожидает проверки: nb deploy verify --env {name}"
            for name in ("staging", "production")
        ),
    }
)
"""Results that follow from facts; they are made anew when the facts change."""


def read(body: str, first_line: int = 1) -> Body:
    """What a body says beyond the facts.

    Raises:
        Malformed: it does not follow the template; `first_line` is the number of its first line in the file.
    """
    lines = body.rstrip("\n").split("\n")
    heading = _HEADING.fullmatch(lines[0])
    if heading is None:
        raise Malformed(first_line, "the heading is not `## [YYYY-MM-DD] Staging Deployment: …` (3.5)")
    kind = next(kind for kind, name in NAMES.items() if name == heading[2])
    done_at = _position(lines, DONE_HEADING, first_line)
    result_at = _position(lines, RESULT_HEADING, first_line)
    if result_at < done_at:
        raise Malformed(first_line + result_at, f"{RESULT_HEADING} stands above {DONE_HEADING}")
    did = _did(lines[done_at + 1 : result_at], kind, first_line + done_at + 1)
    result = " ".join(line.strip() for line in lines[result_at + 1 :] if line.strip())
    return Body(
        heading[1], kind, words.plain(heading[3]), tuple(did), "" if result in AUTOMATIC else words.plain(result)
    )


def _position(lines: list[str], heading: str, first_line: int) -> int:
    if lines.count(heading) != 1:
        raise Malformed(first_line, f"{heading} is there {lines.count(heading)} times, not once")
    return lines.index(heading)


def _did(lines: list[str], kind: Kind, first_line: int) -> list[str]:
    found: list[str] = []
    for number, line in enumerate(lines, first_line):
        if not line.strip():
            continue
        step = _STEP.fullmatch(line)
        if step is None or int(step[1]) != len(found) + 1:
            raise Malformed(number, f"is not step `{len(found) + 1}. …`")
        found.append(step[2])
    if kind.environment is None:
        return [words.plain(step) for step in found]
    for index, beginning in enumerate(STEPS):
        if len(found) <= index or not found[index].startswith(beginning):
            raise Malformed(first_line + index, f"step {index + 1} is not `{beginning}…` (3.5)")
    return [words.plain(step) for step in found[len(STEPS) :]]

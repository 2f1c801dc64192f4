"""Runs one command line: parses, calls the command, renders the outcome or the failure, decides the exit code.

This is the outermost boundary of `nb`, the only place that catches everything.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from typer.exceptions import Abort, Exit, TyperException

from cli import journal, registry
from cli.durations import is_duration
from cli.envelope import NextStep, Notice, Outcome, Problem, document, encode
from cli.environments import project_root
from cli.errors import CommandFailed, UpstreamFault, UsageMistake
from cli.exit_codes import ExitCode
from cli.invocation import Invocation, begin
from cli.output import Screen
from cli.version import VERSION

if TYPE_CHECKING:
    # A name of a type only: what Typer vendors is not imported at run time.
    from typer._click import Context

PROCESSES = frozenset({"serve", "worker", "beat", "bot.poll", "sandbox"})
"""They run unattended, and what they print is their log: the trace of their end belongs there."""

PAGES = frozenset({"--help", "-h", "--show-completion"})
"""Typer prints these itself; the text becomes an outcome like any other."""

LONG_WORD = re.compile(r"(\S{100})\S{40,}")
"""A word too long to be repeated in a message: its beginning tells which it is."""

NO_CHOICE = re.compile(r"""(?P<quoted>(['"])(?P<word>.*?)\2) is not one of """, re.DOTALL)
"""How the parser says that a word is none of those that it takes."""

DEFAULT_WAIT = "5m"
"""What `--wait` without a time means."""


def run(arguments: Sequence[str]) -> int:
    """Run `nb` with these arguments and return its exit code; prints, never raises."""
    arguments = _with_wait_times(arguments)
    invocation = _begin(arguments)
    result = _result(arguments, invocation)
    exit_code = _finish(result, invocation)
    _keep(arguments, result, exit_code, invocation)
    return exit_code


def interrupted(arguments: Sequence[str]) -> int:
    """End a run that was interrupted before it began."""
    return _finish(Interrupted("interrupted"), _begin(arguments))


def _begin(arguments: Sequence[str]) -> Invocation:
    invocation = Invocation(json=_wants_json(arguments))
    # Known before parsing, because a command line that cannot be parsed is answered in the same form.
    invocation.take({"no_color": "--no-color" in arguments, "verbose": bool({"-v", "--verbose"} & {*arguments})})
    begin(invocation)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Started with a closed descriptor.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  Lives as long as nb.
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    invocation.stream = sys.stdout
    return invocation


def _result(arguments: Sequence[str], invocation: Invocation) -> Result:
    asks_for_page = bool(PAGES & {*_before_separator(arguments)})
    if not invocation.json and not asks_for_page:
        return _guarded(arguments, invocation)
    said = io.StringIO() if asks_for_page else sys.stderr
    with contextlib.redirect_stdout(said):
        result = _guarded(arguments, invocation)
    if isinstance(result, int) and isinstance(said, io.StringIO):
        page = said.getvalue()
        return Outcome(data={"text": page}, show=lambda screen: screen.line(page.rstrip("\n")))
    return result


def _finish(result: Result, invocation: Invocation) -> int:
    try:
        if invocation.json:
            _finish_for_machines(_as_document(result), invocation)
        else:
            _finish_for_people(result, invocation)
    except BrokenPipeError:
        # Whoever read the output has seen enough; what the command did is not changed by that.
        _discard_output()
    except OSError as error:
        _discard_output()
        sys.stderr.write(f"nb: the output cannot be written: {error.strerror}\n")
        return ExitCode.UPSTREAM
    return result if isinstance(result, int) else result.exit_code


def _keep(arguments: Sequence[str], result: Result, exit_code: int, invocation: Invocation) -> None:
    """Enter the run in the journal: not for a TAB, and not for what runs for ever."""
    if "_NB_COMPLETE" in os.environ or invocation.command in PROCESSES:
        return
    failure = result if isinstance(result, CommandFailed) else getattr(result, "problem", None)
    branch, head = journal.checked_out(project_root())
    journal.append(
        journal.Run(
            run_id=invocation.run_id,
            at=datetime.now(UTC),
            command=invocation.command,
            arguments=journal.of_this_process(arguments),
            exit_code=exit_code,
            duration_ms=round((monotonic() - invocation.started) * 1000, 1),
            env=invocation.environment,
            branch=branch,
            head=head,
            agent=os.environ.get("NB_AGENT", ""),
            error=failure.code if failure is not None else "",
            facts=result.facts if isinstance(result, Outcome) else {},
        )
    )


def _discard_output() -> None:
    """Let the interpreter's last flush go nowhere instead of failing again."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


Result = Outcome | CommandFailed | int
"""What a run ended with; a bare number is an exit code whose output was printed already."""


def _guarded(arguments: Sequence[str], invocation: Invocation) -> Result:
    """Call the command and turn everything that can go wrong into a result."""
    try:
        return _invoke(arguments)
    except CommandFailed as failure:
        return failure
    except TyperException as mistake:
        return _usage(mistake)
    except (KeyboardInterrupt, Abort):
        return Interrupted("interrupted")
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  The outermost boundary: nb's own fault is still one document.
        return _of_local_product(error) or _internal(error, invocation)


def _of_local_product(error: Exception) -> CommandFailed | None:
    """What the local product says is missing or broken, without importing it for every other command."""
    module = sys.modules.get("cli.local.launch")
    if module is None or not isinstance(error, module.LocalError):
        return None
    return CommandFailed(str(error), code="local", fix=error.fix)


def _invoke(arguments: Sequence[str]) -> Result:
    from cli.groups import root

    if "_NB_COMPLETE" in os.environ:
        from cli import completion

        completion.join_equals()
    plain = _without_shared(arguments)
    if plain in ([], ["--help"], ["-h"]) and "_NB_COMPLETE" not in os.environ:
        return Outcome(data=_commands(), show=lambda screen: screen.line(registry.root_help(min(screen.width, 80))))
    if plain == ["--version"]:
        return Outcome(data={"version": VERSION}, show=lambda screen: screen.line(f"nb {VERSION}"))
    try:
        value = root().main(args=list(arguments), prog_name="nb", standalone_mode=False)
    except Exit as leaving:
        value = leaving.exit_code
    except SystemExit as leaving:
        # Completion ends this way, and Typer when the reader of a help page is gone.
        value = leaving.code
    if isinstance(value, Outcome):
        return value
    if value == ExitCode.INTERRUPTED:
        return Interrupted("interrupted")
    return int(value) if isinstance(value, int) else 0


class Interrupted(CommandFailed):
    """Somebody pressed Ctrl-C."""

    exit_code = ExitCode.INTERRUPTED
    default_code = "interrupted"
    transient = True


class InternalFault(CommandFailed):
    """A defect of nb itself; the correlation id is in the message and, with -v, above the trace."""

    exit_code = ExitCode.CHECK_FAILED
    default_code = "internal"


def _internal(error: Exception, invocation: Invocation) -> InternalFault:
    if invocation.verbose or invocation.command in PROCESSES:
        sys.stderr.write(f"correlation id {invocation.run_id}\n")
        traceback.print_exception(error, file=sys.stderr)
    return InternalFault(
        f"nb failed unexpectedly ({type(error).__name__}); correlation id {invocation.run_id}",
        fix="repeat with -v to see the trace, and report it with the correlation id",
    )


def _usage(mistake: TyperException) -> UsageMistake:
    """Typer's usage error in our words, with the nearest option or command where there is one."""
    message = mistake.format_message().strip().rstrip(".")
    context = getattr(mistake, "ctx", None)
    option = getattr(mistake, "option_name", None)
    near: list[str] = getattr(mistake, "near", [])
    choices = [str(getattr(choice, "value", choice)) for choice in _choices(mistake)]
    if choices and (given := NO_CHOICE.match(mistake.message)):
        near = _nearest(given["word"], choices)
        message = f"{_name_of(mistake)} {given['quoted']} is not one of {', '.join(choices)}.{_asked(near)}"
    elif option is not None and hasattr(mistake, "possibilities"):
        near = _meant(str(option), context)
        message = f"{mistake.message}.{_asked(near)}"
    elif not message.endswith("?"):
        message += "."
    # A command that any word calls has no name of its own.
    path = context.command_path.rstrip() if context is not None else "nb"
    if context is not None and message == "Missing command.":
        message = f"{path} needs a command: {', '.join(context.command.list_commands(context))}."
    data = {"near": near} if near else None
    return UsageMistake(LONG_WORD.sub(r"\1...", message), fix=f"{path} --help", data=data)


def _choices(mistake: TyperException) -> Sequence[object]:
    """What the parameter takes that was given something else."""
    return getattr(getattr(getattr(mistake, "param", None), "type", None), "choices", ())


def _name_of(mistake: TyperException) -> str:
    """An option as it is typed, an argument as the help names it."""
    parameter: Any = getattr(mistake, "param", None)
    is_option = parameter.param_type_name == "option"
    return str(parameter.opts[0] if is_option else parameter.human_readable_name)


def _nearest(word: str, known: Sequence[str]) -> list[str]:
    from cli import suggestions

    return suggestions.nearest(word, known)


def _meant(option: str, context: Context | None) -> list[str]:
    from cli import suggestions

    known = [name for parameter in context.command.get_params(context) for name in parameter.opts] if context else []
    return suggestions.options(option, known)


def _asked(near: list[str]) -> str:
    from cli import suggestions

    return suggestions.hint(near)


def _finish_for_people(result: Result, invocation: Invocation) -> None:
    if isinstance(result, int):
        sys.stdout.flush()
        return
    errors = Screen(sys.stderr, color=not invocation.no_color)
    warnings: tuple[Notice, ...] = ()
    if isinstance(result, CommandFailed):
        problem: Problem | None = _problem(result)
    else:
        problem, warnings = result.problem, result.warnings
        result.show(Screen(sys.stdout, color=not invocation.no_color))
        sys.stdout.flush()
    for notice in (*warnings, *invocation.warnings):
        errors.state("unknown", f"warning: {notice.message} ({notice.code})")
    if problem is not None:
        errors.state("failed", problem.message)
        if problem.fix:
            errors.wrapped(f"Try: {problem.fix}", indent=2)
    for step in result.next_steps:
        errors.wrapped(f"Next: {step.cmd}  ({step.why})", indent=2)


def _as_document(result: Result) -> Outcome | CommandFailed:
    if not isinstance(result, int):
        return result
    return Outcome(data={}, show=_nothing) if result == 0 else InternalFault(f"ended with exit code {result}")


def _finish_for_machines(result: Outcome | CommandFailed, invocation: Invocation) -> None:
    warnings: tuple[Notice, ...] = ()
    meta: dict[str, Any] = {}
    if isinstance(result, CommandFailed):
        data: Mapping[str, object] = result.data or {}
        problem: Problem | None = _problem(result)
        if isinstance(result, UpstreamFault) and result.retry_after is not None:
            meta["retry_after_s"] = result.retry_after
    else:
        data, warnings, problem, meta = result.data, result.warnings, result.problem, dict(result.meta)
    content = document(
        command=invocation.command,
        environment=invocation.environment or invocation.requested_environment,
        exit_code=result.exit_code,
        data=data,
        warnings=(*warnings, *invocation.warnings),
        problem=problem,
        next_steps=result.next_steps,
        meta=_meta(invocation) | meta,
    )
    _write(encode(content, is_line=invocation.follows))


def _write(content: bytes) -> None:
    sys.stdout.flush()
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(content)
    else:
        sys.stdout.write(content.decode())
    sys.stdout.flush()


def _meta(invocation: Invocation) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "duration_ms": round((monotonic() - invocation.started) * 1000, 1),
        "version": VERSION,
        "run_id": invocation.run_id,
    }
    if agent := os.environ.get("NB_AGENT"):
        meta["agent"] = agent
    return meta


def _problem(failure: CommandFailed) -> Problem:
    return Problem(failure.code, failure.message, failure.rule, failure.transient, failure.fix)


def _commands() -> dict[str, Any]:
    return {
        "commands": [
            {"name": name, "section": title, "help": help_line}
            for title, section in registry.SECTIONS
            for name, _, help_line in section
        ],
        "options": [{"name": name, "help": help_line} for name, help_line in registry.GLOBAL_OPTIONS],
        "next": _first_steps(),
    }


def _first_steps() -> list[dict[str, str]]:
    steps = (NextStep("nb help agent --json", "the whole contract on one page"), NextStep("nb up", "start the product"))
    return [{"cmd": step.cmd, "why": step.why} for step in steps]


def _nothing(screen: Screen) -> None:
    """For outcomes that only machines read."""


def _before_separator(arguments: Sequence[str]) -> list[str]:
    listed = list(arguments)
    return listed[: listed.index("--")] if "--" in listed else listed


def _wants_json(arguments: Sequence[str]) -> bool:
    return "--json" in _before_separator(arguments) or os.environ.get("NB_JSON", "0") not in ("", "0")


def _with_wait_times(arguments: Sequence[str]) -> list[str]:
    """`--wait` may stand alone; give it its default time where no time follows."""
    result: list[str] = []
    listed = list(arguments)
    for index, argument in enumerate(listed):
        result.append(argument)
        following = listed[index + 1] if index + 1 < len(listed) else ""
        if argument == "--wait" and not is_duration(following):
            result[-1] = f"--wait={DEFAULT_WAIT}"
    return result


def _without_shared(arguments: Sequence[str]) -> list[str]:
    """The arguments without the options of every command, to recognise a bare `nb --json --help`."""
    flags = {"--json", "--dry-run", "--yes", "-y", "--no-input", "--no-color", "--verbose", "-v"}
    rest: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in ("--env", "--timeout", "--wait"):
            skip = True
        elif argument not in flags and not argument.startswith(("--env=", "--timeout=", "--wait=")):
            rest.append(argument)
    return rest

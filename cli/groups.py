"""How commands are found and parsed: lazily by name, with the same options everywhere, before or after the command.

Typer carries its own copy of click inside; only its public classes are subclassed here.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.exceptions import TyperException

from cli import registry
from cli.invocation import current
from cli.output import NARROW

if TYPE_CHECKING:
    # Names of types only: what Typer vendors is not imported at run time.
    from typer._click import Command, Context, HelpFormatter
    from typer._click.shell_completion import CompletionItem

EXAMPLES = "\n\nExamples:\n"
"""In a command's docstring, what follows this line is printed as it stands."""


NO_TEXT = re.compile("[\\x00\\ud800-\\udfff]")
"""What arguments hold where they were no UTF-8."""


def _everywhere(
    json: Annotated[bool, typer.Option("--json", help=registry.GLOBAL_OPTIONS[0][1])] = False,
    env: Annotated[str | None, typer.Option("--env", metavar="NAME", help=registry.GLOBAL_OPTIONS[1][1])] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help=registry.GLOBAL_OPTIONS[2][1])
    ] = None,
    wait: Annotated[str | None, typer.Option("--wait", metavar="[TIME]", help=registry.GLOBAL_OPTIONS[3][1])] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=registry.GLOBAL_OPTIONS[4][1])] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help=registry.GLOBAL_OPTIONS[5][1])] = False,
    no_input: Annotated[bool, typer.Option("--no-input", help=registry.GLOBAL_OPTIONS[6][1])] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help=registry.GLOBAL_OPTIONS[7][1])] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help=registry.GLOBAL_OPTIONS[8][1])] = False,
) -> None:
    """Options of every command; the values go to the invocation, not to the command's function."""


def _everywhere_options(taken: set[str]) -> list[TyperOption]:
    parameters, _, _ = typer.main.get_params_convertors_ctx_param_name_from_function(_everywhere)
    options = [parameter for parameter in parameters if isinstance(parameter, TyperOption)]
    for option in options:
        # A command's own option of the same name, or its short form, wins.
        option.opts = [name for name in option.opts if name not in taken]
    return [option for option in options if any(name.startswith("--") for name in option.opts)]


class _Everywhere:
    """Adds the options of every command and takes their values out before the command's function is called."""

    params: list[Any]
    everywhere: list[TyperOption]

    def add_everywhere(self) -> None:
        """Extend the parameters; done once, after the command's own ones are known."""
        own = {name for parameter in self.params for name in parameter.opts}
        self.everywhere = _everywhere_options(own)
        self.params = [*self.params, *self.everywhere]

    def take_everywhere(self, ctx: Context) -> None:
        """Move the values to the invocation; options that the command declares itself are read and left."""
        if ctx.resilient_parsing:
            return
        shared = {name: value for name, value in ctx.params.items() if name in EVERYWHERE_NAMES}
        for option in self.everywhere:
            ctx.params.pop(option.name or "", None)
        current().take({name: value for name, value in shared.items() if isinstance(value, bool | str)})

    def offer_values(self, ctx: Context) -> None:
        """For a TAB, have the parameters know their values."""
        if ctx.resilient_parsing and "_NB_COMPLETE" in os.environ:
            from cli import completion

            completion.attach(_dotted(ctx), self.params)

    def write_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Arguments and own options first, the shared options in a section of their own."""
        shared = set(map(id, self.everywhere))
        rows: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": [], "Options of every command": []}
        for parameter in cast("Command", self).get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if parameter.param_type_name == "argument":
                rows["Arguments"].append(record)
            else:
                rows["Options of every command" if id(parameter) in shared else "Options"].append(record)
        for title, records in rows.items():
            _write_section(formatter, title, records)


def _write_section(formatter: HelpFormatter, title: str, rows: list[tuple[str, str]]) -> None:
    """Two columns, or on a narrow screen the text under its name."""
    if not rows:
        return
    with formatter.section(title):
        # A name too long for the screen, such as a choice of many, stands alone and is broken where it may be.
        room = formatter.width - 2
        if formatter.width >= NARROW and all(len(name) <= room for name, _ in rows):
            formatter.write_dl(rows)
            return
        for name, text in rows:
            formatter.write("".join(f"  {line}\n" for line in _broken(name, room)))
            with formatter.indentation():
                formatter.write_text(text)


def _broken(name: str, room: int) -> list[str]:
    lines = [""]
    for part in re.split(r"(?<=[|\s])", name):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > room - 2:
            lines.append("  ")
        lines[-1] += part
    return [line.rstrip() for line in lines]


EVERYWHERE_NAMES = frozenset({"json", "env", "timeout", "wait", "dry_run", "yes", "no_input", "no_color", "verbose"})


class NbCommand(_Everywhere, TyperCommand):
    """A command with the options of every command and its examples printed as written."""

    def __init__(self, name: str | None, **settings: Any) -> None:  # noqa: ANN401  Typer decides what it passes.
        super().__init__(name, **settings)
        self.add_everywhere()

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse, then move the shared values away."""
        if not ctx.resilient_parsing:
            current().command = _dotted(ctx)
        self.offer_values(ctx)
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            self._refuse_what_names_nothing(ctx)
        self.take_everywhere(ctx)
        return rest

    def _refuse_what_names_nothing(self, ctx: Context) -> None:
        """An empty word would name the whole list in an address; bytes that are no text can be sent to nobody."""
        for parameter in self.params:
            name = parameter.name or ""
            source = ctx.get_parameter_source(name)
            if source is None or source.name != "COMMANDLINE":
                continue
            given = ctx.params.get(name)
            words = [word for word in (given if isinstance(given, list | tuple) else [given]) if isinstance(word, str)]
            is_argument = parameter.param_type_name == "argument"
            said = parameter.make_metavar(ctx).strip("{}") if is_argument else parameter.opts[0]
            if is_argument and not all(word.strip() for word in words):
                ctx.fail(f"{said} is empty")
            if any(NO_TEXT.search(word) for word in words):
                ctx.fail(f"{said} holds bytes that are no text")

    def collect_usage_pieces(self, ctx: Context) -> list[str]:
        """What is required stands as it is, what may be left out in brackets."""
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]

    def format_help_text(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002
        """The description without its examples."""
        text = (self.help or "").partition(EXAMPLES)[0]
        if text:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(text)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Options, then the examples."""
        self.write_options(ctx, formatter)
        self._write_contract(ctx, formatter)
        examples = (self.help or "").partition(EXAMPLES)[2]
        if examples:
            with formatter.section("Examples"):
                formatter.write("\n".join(f"  {line.strip()}" for line in examples.splitlines()) + "\n")

    def _write_contract(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Where the document and the exit codes are described."""
        from cli.schema_files import FOLDER

        words = [word for word in ctx.command_path.split()[1:] if not word.isupper()]
        rows = [("exit codes", "nb help exit-codes")]
        if (FOLDER / f"{'.'.join(words)}.json").is_file():
            rows.insert(0, ("--json", f"nb schema {' '.join(words)}"))
        _write_section(formatter, "Described by", rows)

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002
        """First sentence, for the list of a group."""
        return (self.help or "").partition(EXAMPLES)[0].partition("\n")[0].strip()


class NbGroup(_Everywhere, TyperGroup):
    """A group of commands with the options of every command."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401  Typer decides what it passes.
        super().__init__(**settings)
        self.add_everywhere()
        self.no_args_is_help = False

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Parse, then move the shared values away."""
        if not ctx.resilient_parsing:
            current().command = _dotted(ctx)
        self.offer_values(ctx)
        rest = super().parse_args(ctx, args)
        self.take_everywhere(ctx)
        return rest

    def knows(self, name: str) -> bool:
        """Whether a command is called so."""
        return name in self.commands

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """As Typer does; a command named in capitals is called by any word that names no other: `nb approve CODE`."""
        if args and not args[0].startswith("-") and not self.knows(args[0]) and not ctx.resilient_parsing:
            any_word = next((command for name, command in self.commands.items() if name.isupper()), None)
            if any_word is None or not args[0].strip():
                _fail_at(ctx, args[0], self.list_commands(ctx))
            return "", any_word, args
        return super().resolve_command(ctx, args)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """The commands first, since they are what is looked for."""
        commands = [(name, command.get_short_help_str()) for name, command in self.commands.items()]
        _write_section(formatter, "Commands", commands)
        self.write_options(ctx, formatter)


class RootGroup(NbGroup):
    """The root: knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002
        """Names in the order of the help page."""
        return registry.visible()

    def knows(self, name: str) -> bool:
        """Whether a command is called so, the hidden ones included; nothing is imported for it."""
        return name in registry.entries()

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002
        """Import the command, or None when there is none of this name."""
        entry = registry.entries().get(cmd_name)
        return None if entry is None else load(entry)

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:  # noqa: ARG002
        """The same page as the fast path."""
        formatter.write(registry.root_help(min(formatter.width + 2, 80)) + "\n")

    def shell_complete(self, ctx: Context, incomplete: str) -> list[CompletionItem]:
        """Names and help from the registry; nothing is imported for a TAB."""
        from typer._click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=help_line)
            for _, section in registry.SECTIONS
            for name, _, help_line in section
            if name.startswith(incomplete)
        ]
        if incomplete.startswith("-"):
            found += super().shell_complete(ctx, incomplete)
        return found


def _fail_at(ctx: Context, word: str, siblings: list[str]) -> NoReturn:
    """Refuse a word that is no command, with what was probably meant."""
    from cli import suggestions

    group = " ".join(ctx.command_path.split()[1:])
    near = suggestions.commands(word, siblings, group=group)
    try:
        ctx.fail(f"No such command '{word}'.{suggestions.hint(near)}")
    except TyperException as mistake:
        mistake.near = near  # type: ignore[attr-defined]  # For `data.near`; the class itself is not ours to derive from.
        raise


def new_group(help_text: str) -> typer.Typer:
    """A group for a command module to hang its commands on."""
    return typer.Typer(
        cls=NbGroup,
        help=help_text,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        pretty_exceptions_show_locals=False,
    )


def load(entry: registry.Entry) -> Command:
    """Import the target of a registry entry and make it a command named as the entry says."""
    name, target, help_line = entry
    module_name, _, attribute = target.partition(":")
    found = getattr(importlib.import_module(module_name), attribute)
    app = found if isinstance(found, typer.Typer) else _alone(name, found)
    app.info.cls = NbGroup
    app.info.help = help_line
    for command in app.registered_commands:
        command.cls = NbCommand
    if isinstance(found, typer.Typer):
        if not app.registered_callback:
            # A group stays a group even with one command in it.
            app.callback()(lambda: None)
        group = typer.main.get_group(app)
        group.name, group.rich_markup_mode = name, None
        return group
    return typer.main.get_command(app)


def _alone(name: str, function: Callable[..., Any]) -> typer.Typer:
    app = new_group("")
    app.command(name)(function)
    return app


def _dotted(ctx: Context) -> str:
    path = ctx.command_path.split()[1:]
    return ".".join(path) or "nb"


def root() -> RootGroup:
    """The root command with its options and the completion ones."""
    app = typer.Typer(cls=RootGroup, rich_markup_mode=None, pretty_exceptions_enable=False)

    @app.callback()
    def callback(
        version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
    ) -> None:
        pass

    command = typer.main.get_command(app)
    assert isinstance(command, RootGroup)
    # Typer's own minimum of 50 columns is more than a narrow screen has.
    width = max(30, min(shutil.get_terminal_size((80, 24)).columns, 80)) - 2
    command.context_settings = {"help_option_names": ["--help", "-h"], "terminal_width": width}
    command.name = "nb"
    return command

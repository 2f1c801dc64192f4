"""Every command of `nb`, found in its registry, so that what holds for all of them is tested for a new one too."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cli import groups, registry
from cli.application import PROCESSES

HERE = frozenset({"up", "down", "db.migrate", "db.check", "context.show", "context.use", "journal", "schema", "help"})
"""Commands about this machine, which ask no service."""

ELSEWHERE = frozenset({"deploy", "logs", "agent-log", "doctor", "token", "smoke", "status"})
"""Groups that ask, beside the service or instead of it, this machine, a repository or the platforms."""


def arguments_of(example: str) -> list[str]:
    """What an example gives to `nb`, without what it gives to the shell: variables, pipes, files."""
    words = shlex.split(example)
    words = words[words.index("nb") + 1 :]
    end = next((index for index, word in enumerate(words) if word in ("|", "<", ">", "&&", "||", ";")), len(words))
    return words[:end]


@dataclass(frozen=True)
class Leaf:
    """A command that can be called."""

    path: tuple[str, ...]
    command: Any
    """As the parser has it."""

    @property
    def name(self) -> str:
        """As documents and schemas name it; a command that any word calls is named by its group."""
        return ".".join(word for word in self.path if not word.isupper())

    @property
    def examples(self) -> list[str]:
        """The lines of its help that show how it is called."""
        text = (self.command.help or "").partition(groups.EXAMPLES)[2]
        return [line.strip() for line in text.splitlines() if line.strip()]

    @property
    def called(self) -> list[str]:
        """Its first example as arguments, without what says how the answer is wanted and from where."""
        kept: list[str] = []
        skip = False
        for word in arguments_of(self.examples[0]):
            if skip or word in ("--json", "--follow", "-f"):
                skip = False
            elif word in ("--env", "--wait", "--timeout"):
                skip = True
            else:
                kept.append(word)
        return kept

    @property
    def is_process(self) -> bool:
        """Whether it runs until it is told to stop."""
        return self.name in PROCESSES

    @property
    def asks_only_the_service(self) -> bool:
        """Whether all that it needs is the operations API."""
        return not (self.is_process or self.name in HERE or self.path[0] in ELSEWHERE)

    @property
    def changes(self) -> bool:
        """Whether it changes something of the service: then it wants a reason."""
        return any(parameter.name == "reason" and parameter.required for parameter in self.command.params)

    @property
    def own(self) -> list[Any]:
        """Its own arguments and options, without those of every command."""
        shared = set(map(id, self.command.everywhere))
        return [parameter for parameter in self.command.params if id(parameter) not in shared]


def leaves() -> Iterator[Leaf]:
    """Every command, the hidden ones included."""
    for name, entry in registry.entries().items():
        command = groups.load(entry)
        if isinstance(command, groups.NbGroup):
            for sub, found in command.commands.items():
                yield Leaf((name, sub), found)
        else:
            yield Leaf((name,), command)


LEAVES = list(leaves())
"""Every command."""

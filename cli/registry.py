"""Every command by name, so that help, completion and suggestions need no import of the commands themselves.

Plain tuples and no imports: this is all that `nb --help` loads. `target` is `module:attribute`, a function or a Typer
group, imported when the command is called.
"""

Entry = tuple[str, str, str]
"""Name, target, one line of help. A name that starts with `_` in the hidden section is not listed."""

SECTIONS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Run",
        (
            ("up", "cli.commands.up:up", "Start the whole product on this machine."),
            ("down", "cli.commands.down:down", "Stop what `nb up` started."),
            ("status", "cli.commands.status:status", "Show processes, queues and generations in progress."),
            ("doctor", "cli.commands.doctor:doctor", "Check this machine and say what to fix."),
            ("serve", "cli.commands.processes:serve", "Run the web process."),
            ("worker", "cli.commands.processes:worker", "Run a worker process."),
            ("beat", "cli.commands.processes:beat", "Run the scheduler process."),
            ("bot", "cli.commands.processes:bot", "Fetch updates by polling: `nb bot poll`."),
            ("db", "cli.commands.processes:db", "Migrate and check the database."),
            ("token", "cli.commands.token:app", "Make, list, revoke and keep tokens."),
        ),
    ),
    (
        "Watch",
        (
            ("health", "cli.commands.health:health", "Say whether the service answers, and how fast."),
            ("ready", "cli.commands.ready:ready", "Say whether everything that the service needs works."),
            ("stats", "cli.commands.stats:stats", "Count revenue, cost, failures and people of a period."),
            ("smoke", "cli.commands.smoke:smoke", "Try a deployed service end to end, in one call for CI."),
            ("webhook", "cli.commands.webhook:app", "Show, check and put right where Telegram sends updates."),
            ("logs", "cli.commands.logs:logs", "Show what the services say, by time, trace or generation."),
            ("deploy", "cli.commands.deploy:app", "See what is deployed, wait for it, verify it, say why not."),
            ("agent-log", "cli.commands.agent_log:app", "Write down what was done, from facts; check and send it."),
        ),
    ),
    (
        "Money",
        (
            ("pricing", "cli.commands.pricing:app", "Quote, show, edit and check prices."),
            ("packages", "cli.commands.packages:app", "Show, add, edit and order what is on sale."),
            ("approve", "cli.commands.approve:app", "Agree to a change that somebody else asked for."),
            ("payments", "cli.commands.payments:app", "Find payments, give money back, compare with gateways."),
            ("promo", "cli.commands.promo:app", "Make promo codes, look at them, switch them off."),
            ("ledger", "cli.commands.ledger:app", "Verify the books, show a statement, export all."),
        ),
    ),
    (
        "Service",
        (
            ("models", "cli.commands.models:app", "Show models, switch them, set their limits and end."),
            ("catalog", "cli.commands.catalog:app", "Check the catalogue, load what ships."),
            ("gen", "cli.commands.generations:app", "List generations, look into one, put right what is stuck."),
            ("providers", "cli.commands.providers:app", "See how providers do; park, switch and limit them."),
            ("users", "cli.commands.users:app", "Look at a person, give or take tokens, shut out."),
            ("errors", "cli.commands.errors:app", "Find faults of the service, look into one, resolve them."),
            ("schedule", "cli.commands.schedule:app", "See what runs by itself, switch it, run it now."),
            ("audit", "cli.commands.audit:app", "List what operators changed, and why."),
        ),
    ),
    (
        "More",
        (
            ("context", "cli.commands.context:app", "Show or choose the environment that reads use."),
            ("journal", "cli.commands.journal:journal", "List what was run on this machine, with which result."),
            ("schema", "cli.commands.schema:schema", "Print the JSON Schema of a command's document."),
            ("help", "cli.commands.help:help_page", "Explain a command, or `nb help agent`, `nb help exit-codes`."),
        ),
    ),
)

HIDDEN: tuple[Entry, ...] = (
    ("sandbox", "cli.commands.processes:sandbox", "Run the local Telegram; `nb up` starts it."),
)

GLOBAL_OPTIONS: tuple[tuple[str, str], ...] = (
    ("--json", "Print exactly one JSON document to stdout."),
    ("--env NAME", "local, staging or production."),
    ("--timeout TIME", "Give up on a request after this time, for example 10s."),
    ("--wait [TIME]", "Wait for the wanted state, at most this long (5m)."),
    ("--dry-run", "Say what would be done, do nothing."),
    ("--yes, -y", "Agree to what would be asked."),
    ("--no-input", "Never ask."),
    ("--no-color", "No colours. NO_COLOR works too."),
    ("--verbose, -v", "Show the trace of an unexpected failure."),
)

ROOT_OPTIONS: tuple[tuple[str, str], ...] = (
    ("--help, -h", "Show this page; after a command, its own."),
    ("--version", "Print the version."),
    ("--install-completion", "Complete commands with TAB in this shell."),
    ("--show-completion", "Print the completion script."),
)


def entries() -> dict[str, Entry]:
    """Every command by name, the hidden ones last."""
    return {entry[0]: entry for entry in (*(e for _, section in SECTIONS for e in section), *HIDDEN)}


def visible() -> list[str]:
    """Names in the order of the help page."""
    return [entry[0] for _, section in SECTIONS for entry in section]


def root_help(width: int) -> str:
    """The page that `nb --help` prints."""
    lines = [
        "Usage: nb [OPTIONS] COMMAND [ARGUMENTS]",
        "",
        *_wrapped("Run and operate the NanoBanana service.", width, ""),
    ]
    for title, section in (
        *((title, [(entry[0], entry[2]) for entry in section]) for title, section in SECTIONS),
        ("Options", list(ROOT_OPTIONS)),
        ("Options of every command, before or after it", list(GLOBAL_OPTIONS)),
    ):
        lines += ["", *_wrapped(f"{title}:", width, "")]
        column = max(len(name) for name, _ in section) + 4
        for name, text in section:
            if width < column + 24:
                lines += [f"  {name}", *_wrapped(text, width, "      ")]
            else:
                first, *rest = _wrapped(text, width - column, "")
                lines.append(f"  {name}".ljust(column) + first)
                lines += [" " * column + line for line in rest]
    return "\n".join([*lines, "", *_wrapped("Start here: nb up", width, "")])


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    lines, line = [], indent
    for word in text.split():
        if len(line) + len(word) + 1 > width and line.strip():
            lines.append(line.rstrip())
            line = indent
        line += word + " "
    return [*lines, line.rstrip()]

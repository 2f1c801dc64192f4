"""Entry point of `nb`. The root help and the version are answered here, before anything is imported."""

import os
import sys

NOT_PLAIN = ("_NB_COMPLETE", "NB_JSON")
"""Variables that ask for something else than a page for people."""


def main() -> int:
    """Run the command line of this process and return the exit code."""
    try:
        return _main()
    except KeyboardInterrupt:
        from cli.application import interrupted

        return interrupted(sys.argv[1:])


def _main() -> int:
    arguments = sys.argv[1:]
    if not any(name in os.environ for name in NOT_PLAIN):
        if arguments in ([], ["--help"], ["-h"]):
            from cli import registry

            return _print(registry.root_help(_width()))
        if arguments == ["--version"]:
            from cli.version import VERSION

            return _print(f"nb {VERSION}")
    from cli.application import run

    return run(arguments)


def _print(text: str) -> int:
    if sys.stdout is None:
        # Started with a closed descriptor: nobody wants to read it.
        return 0
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except OSError as error:
        # Without this the interpreter complains when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError) and sys.stderr is not None:
            sys.stderr.write(f"nb: the output cannot be written: {error.strerror}\n")
            return 75
    return 0


def _width() -> int:
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(sys.stdout.fileno()).columns
    except (AttributeError, ValueError, OSError):
        # No number, no terminal, or a descriptor that is closed.
        columns = 80
    return max(30, min(columns, 80))


if __name__ == "__main__":
    sys.exit(main())

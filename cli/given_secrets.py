"""A credential as somebody hands it over: on stdin, or typed where nobody sees it. What is wrong is said without it."""

from __future__ import annotations

import sys

from cli.credentials import KINDS, LONGEST, Kind
from cli.errors import UsageMistake
from cli.invocation import current
from core import token_form


def chosen_kind(text: str) -> Kind:
    """The kind of credential that is named.

    Raises:
        UsageMistake: there is none of that name.
    """
    from cli import suggestions

    if text in KINDS:
        return text
    near = suggestions.nearest(text, KINDS)
    # What stands here by mistake may be the credential itself; it is not repeated.
    said = f"{text!r} is no kind of credential.{suggestions.hint(near)}" if near else "that is no kind of credential"
    raise UsageMistake(said, fix=f"nb token save {'|'.join(KINDS)} < FILE", data=suggestions.as_data(near))


def read_secret(kind: Kind, environment: str) -> str:
    """What stdin says, or whoever sits at the terminal.

    Raises:
        UsageMistake: stdin is closed, or a terminal at which nobody may be asked.
    """
    fix = f"nb token save {kind} --env {environment} < FILE"
    stream = sys.stdin
    if stream is None or stream.closed:
        raise UsageMistake("stdin is closed, and a credential is never an argument", fix=fix)
    if stream.isatty():
        if current().no_input:
            raise UsageMistake("--no-input, and stdin is a terminal", fix=fix)
        import getpass

        return getpass.getpass(f"{kind} token of {environment} (not shown): ", stream=sys.stderr)
    try:
        return stream.read(LONGEST + 1)
    except OSError as error:
        # A folder, or a descriptor that was closed.
        raise UsageMistake(f"stdin cannot be read: {error.strerror or 'it is closed'}", fix=fix) from None
    except UnicodeDecodeError:
        raise UsageMistake("what stdin holds is no text", fix=fix) from None


def checked(kind: Kind, text: str) -> str:
    """The credential in what was read; what is wrong is said without repeating it."""
    value = text.strip()
    flaw = ""
    if not value:
        flaw = "stdin is empty"
    elif len(text) > LONGEST or not value.isascii() or not value.isprintable() or " " in value:
        flaw = "stdin holds no token alone: one word on one line"
    elif kind == "ops" and not token_form.FORM.fullmatch(value):
        flaw = "this is no token of ours: they begin with nbk_ and have 47 characters"
    elif kind != "ops" and value.startswith(token_form.PREFIX):
        flaw = f"this is a token of ours, not one of {kind}"
    if flaw:
        raise UsageMistake(flaw, code="bad_credential", fix=f"nb token save {kind} < FILE")
    return value

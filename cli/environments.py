"""Which environment a command turns to, where that environment is, and with which token.

Project facts come from the committed `nb.toml`, the address and token of `local` from what `nb up` wrote under NB_HOME,
other tokens from the environment or the same 0600 file. Nothing here is read at import.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cli.errors import NotAuthenticated, UpstreamFault, UsageMistake
from cli.invocation import Invocation

NAMES = ("local", "staging", "production")
LOCAL = "local"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Target:
    """An environment that a command talks to."""

    name: str
    url: str
    token: str | None

    def __repr__(self) -> str:
        return f"Target(name={self.name!r}, url={self.url!r}, token={'set' if self.token else 'none'})"


def project_root() -> Path:
    """Folder with `nb.toml`: the nearest one upwards of the working folder, else where nb itself lives."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "nb.toml").is_file():
            return folder
    return Path(__file__).resolve().parent.parent


def nb_home() -> Path:
    """Folder for local data: NB_HOME, else `.nb` beside the nearest `nb.toml`, else `.nb` right here.

    The rule of :meth:`cli.local.home.Home.find`, without the import that it would cost every command.
    """
    if given := os.environ.get("NB_HOME"):
        try:
            return Path(given).expanduser().resolve()
        except RuntimeError:
            raise UsageMistake(
                f"NB_HOME is {given!r}, and this account has no home", fix="set NB_HOME to a path"
            ) from None
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "nb.toml").exists() or (folder / ".nb" / "nb-home.json").exists():
            return (folder / ".nb").resolve()
    return here / ".nb"


def project_facts() -> Mapping[str, Any]:
    """Content of `nb.toml`.

    Raises:
        UsageMistake: it is missing or is no TOML.
    """
    import tomllib

    path = project_root() / "nb.toml"
    try:
        facts = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageMistake(f"{path} is missing", fix="run nb inside the repository") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageMistake(f"{path} cannot be read: {error}", fix="correct nb.toml") from None
    environments = facts.get("env", {})
    tables = {"env": environments, **(environments if isinstance(environments, dict) else {})}
    if wrong := next((name for name, table in tables.items() if not isinstance(table, dict)), None):
        raise UsageMistake(f"{path}: {wrong} is no table", fix='write [env.staging], then url = "https://..." below it')
    return facts


def context_path() -> Path:
    """File that keeps the default environment of this person: NB_CONFIG, else in the configuration folder."""
    if given := os.environ.get("NB_CONFIG"):
        return Path(given)
    if folder := os.environ.get("XDG_CONFIG_HOME"):
        return Path(folder) / "nb" / "config.json"
    try:
        return Path.home() / ".config" / "nb" / "config.json"
    except RuntimeError:
        # An account without a home, as containers have: what is chosen is then kept beside the local data.
        return nb_home() / "config.json"


def default_name() -> tuple[str, str]:
    """The environment that reads use when none is named, and where that comes from."""
    if named := os.environ.get("NB_ENV"):
        return checked_name(named, source="NB_ENV"), "NB_ENV"
    stored = _read_json(context_path()).get("env")
    if isinstance(stored, str):
        return checked_name(stored, source=str(context_path())), str(context_path())
    return LOCAL, "default"


def checked_name(name: str, *, source: str = "--env") -> str:
    """`name` when it is an environment.

    Raises:
        UsageMistake: it is none.
    """
    if name in NAMES:
        return name
    from cli import suggestions

    near = suggestions.nearest(name, NAMES, cutoff=0.4)
    message = f"{source} {name!r} is not an environment.{suggestions.hint(near)}"
    raise UsageMistake(message, fix=f"--env {'|'.join(NAMES)}", data=suggestions.as_data(near))


def choose(invocation: Invocation, *, writes: bool = False) -> str:
    """Name of the environment of this run.

    Raises:
        UsageMistake: the name is unknown, or a write would reach production without being told so.
    """
    if invocation.requested_environment is not None:
        name = checked_name(invocation.requested_environment)
    else:
        name, _ = default_name()
        if writes and name == "production":
            raise UsageMistake(
                "a change in production names it: the context alone is not enough", fix="add --env production"
            )
    invocation.environment = name
    return name


def resolve(invocation: Invocation, *, writes: bool = False) -> Target:
    """The environment of this run with its address and token.

    Raises:
        UsageMistake: it has no address, or the token would travel unencrypted.
        NotAuthenticated: the credentials file is readable by others.
    """
    return target_of(choose(invocation, writes=writes))


def target_of(name: str) -> Target:
    """An environment with its address and token; raises as :func:`resolve` does."""
    target = Target(name, address(name), token(name))
    parts = urlsplit(target.url)
    if target.token and parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise UsageMistake(f"the token would travel unencrypted to {target.url}", fix="use an https:// address")
    return target


def address(name: str) -> str:
    """Base address of an environment.

    Raises:
        UsageMistake: none is known.
        UpstreamFault: it is `local`, and `nb up` has not run here.
    """
    if name == LOCAL:
        return _local_address()
    facts = project_facts().get("env", {}).get(name, {})
    url = facts.get("url") or os.environ.get(str(facts.get("url_from", "")), "")
    if not url:
        wanted = facts.get("url_from")
        raise UsageMistake(
            f"the address of {name} is not known",
            code="no_address",
            fix=f"set {wanted}" if wanted else f"add url to [env.{name}] in nb.toml",
        )
    return _base_url(str(url), where=f"address of {name}")


def token(name: str) -> str | None:
    """Token for an environment: NB_TOKEN_<ENV>, NB_TOKEN, then the credentials file.

    Raises:
        NotAuthenticated: the credentials file is readable by others.
    """
    for variable in (f"NB_TOKEN_{name.upper()}", "NB_TOKEN"):
        if value := os.environ.get(variable, "").strip():
            return value
    stored = credentials().get(name, {}).get("token")
    return stored if isinstance(stored, str) and stored else None


def credentials_path() -> Path:
    """The file that `nb up` writes: `{"local": {"url", "token"}}`."""
    return nb_home() / "credentials.json"


def credentials() -> Mapping[str, Mapping[str, Any]]:
    """Content of the credentials file, empty when there is none.

    Raises:
        NotAuthenticated: it is somebody else's, or others can read it, so it is not trusted.
        UsageMistake: it cannot be read, or is no such file.
    """
    path = credentials_path()
    try:
        # Judged and read through one descriptor: what is judged is what is read. A pipe is not waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageMistake(f"{path} cannot be read: {error.strerror}", fix=f"chmod u+r {path}") from None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise UsageMistake(f"{path} is no file", fix=f"remove {path}")
        _refuse_strangers(path, about)
        with open(descriptor, "rb", closefd=False) as file:
            content = _json_of(path, file.read())
    finally:
        os.close(descriptor)
    return {name: entry for name, entry in content.items() if isinstance(entry, dict)}


def _refuse_strangers(path: Path, about: os.stat_result) -> None:
    mode = stat.S_IMODE(about.st_mode)
    if mode & 0o077:
        raise NotAuthenticated(
            f"{path} is open to others (mode {mode:04o})", code="credentials_exposed", fix=f"chmod 600 {path}"
        )
    # Root reads everybody's: `sudo nb` keeps the home of who called it.
    if about.st_uid not in (0, os.geteuid()) and os.geteuid() != 0:
        raise NotAuthenticated(
            f"{path} belongs to another account (uid {about.st_uid})",
            code="credentials_exposed",
            fix=f"remove {path}, then nb token save",
        )


def _local_address() -> str:
    if url := credentials().get(LOCAL, {}).get("url"):
        return _base_url(str(url), where=str(credentials_path()))
    state = _read_json(nb_home() / "run" / "state.json")
    addresses = state.get("addresses")
    url = (addresses.get("web") if isinstance(addresses, dict) else None) or state.get("web") or state.get("url")
    if not isinstance(url, str):
        raise UpstreamFault("the product does not run on this machine", code="not_running", fix="nb up")
    return _base_url(url, where="run/state.json")


def _base_url(url: str, *, where: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise UsageMistake(f"{where} is no http address", code="bad_address", fix="https://host[:port]")
    return url.rstrip("/")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return _json_of(path, path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageMistake(f"{path} cannot be read: {error.strerror}", fix=f"chmod u+r {path}") from None


def _json_of(path: Path, text: bytes) -> dict[str, Any]:
    try:
        content = json.loads(text.decode())
    except (ValueError, RecursionError) as error:
        # The words of the error name a line and a column, never what stands there.
        said = str(error) if isinstance(error, json.JSONDecodeError) else type(error).__name__
        raise UsageMistake(f"{path} cannot be read: {said}", fix=f"remove or correct {path}") from None
    if not isinstance(content, dict):
        raise UsageMistake(f"{path} holds no JSON object", fix=f"remove or correct {path}")
    return content

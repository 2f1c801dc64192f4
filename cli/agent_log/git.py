"""What git knows: branch, commits, who works, what is tracked. It only reads, asks nothing and never waits for long."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

SECONDS = 20.0
MOST_COMMITS = 100
MOST_MERGES = 20
HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


class GitSilent(Exception):
    """Git is not there, this is no repository, or it refuses; the message says which."""


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository that a folder is in."""

    root: Path

    def branch(self) -> str:
        """The branch that is checked out, "" on a detached HEAD.

        Raises:
            GitSilent: this is no repository.
        """
        found, said = self._run("symbolic-ref", "--quiet", "--short", "HEAD")
        if found == 0:
            return said.strip()
        self.text("rev-parse", "--git-dir")
        return ""

    def head(self) -> str:
        """The commit that is checked out.

        Raises:
            GitSilent: there is none yet.
        """
        return self.commit("HEAD")

    def commit(self, name: str) -> str:
        """The full hash of a commit by any of its names.

        Raises:
            GitSilent: it is not known here.
        """
        return self.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}").strip()

    def user(self) -> str:
        """The name in git's configuration, "" where there is none."""
        code, said = self._run("config", "user.name")
        return said.strip() if code == 0 else ""

    def is_shallow(self) -> bool:
        """Whether history was cut off."""
        return self.text("rev-parse", "--is-shallow-repository").strip() == "true"

    def base(self, branch: str) -> str | None:
        """What the branch of an environment is called here: the remote's name, else our own, None for neither."""
        for name in (f"refs/remotes/{self._remote()}/{branch}", f"refs/heads/{branch}"):
            if self._run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")[0] == 0:
                return name
        return None

    def commits_since(self, base: str, head: str) -> list[str]:
        """Commits of the branch that its base lacks, the newest first.

        Raises:
            GitSilent: the two have nothing in common, as in a shallow clone.
        """
        self.text("merge-base", base, head)
        return self.text("rev-list", f"--max-count={MOST_COMMITS + 1}", head, "--not", base).split()

    def resolved_conflicts(self, base: str, head: str) -> bool | None:
        """Whether a merge among the branch's commits had conflicts: each is made again, in memory. None: not known."""
        code, said = self._run("rev-list", "--merges", "--parents", f"--max-count={MOST_MERGES}", head, "--not", base)
        if code != 0:
            return None
        for line in said.splitlines():
            parents = line.split()[1:]
            if len(parents) != 2:
                continue
            code, _ = self._run("merge-tree", "--write-tree", "--no-messages", *parents)
            if code == 1:
                return True
            if code != 0:
                return None
        return False

    def is_pushed(self, commit: str) -> bool | None:
        """Whether a branch of a remote holds the commit, by what was fetched last; None where there is no remote."""
        if not self._run("remote")[1].strip():
            return None
        code, said = self._run("for-each-ref", "--count=1", f"--contains={commit}", "refs/remotes")
        return bool(said.strip()) if code == 0 else None

    def tracked(self, folder: Path) -> list[Path]:
        """Files below a folder that git tracks.

        Raises:
            GitSilent: this is no repository.
        """
        said = self.text("ls-files", "-z", "--full-name", "--", str(folder.relative_to(self.root)))
        top = Path(self.text("rev-parse", "--show-toplevel").rstrip("\n"))
        return [top / name for name in said.split("\0") if name]

    def text(self, *arguments: str) -> str:
        """What a command of git prints.

        Raises:
            GitSilent: it fails.
        """
        code, said = self._run(*arguments)
        if code != 0:
            raise GitSilent(f"git {arguments[0]} says nothing here")
        return said

    def _remote(self) -> str:
        names = self._run("remote")[1].split()
        return names[0] if len(names) == 1 else "origin"

    def _run(self, *arguments: str) -> tuple[int, str]:
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
        try:
            done = subprocess.run(
                ["git", "-C", str(self.root), *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=environment,
                timeout=SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise GitSilent("git is not installed") from None
        except subprocess.TimeoutExpired:
            raise GitSilent(f"git {arguments[0]} took longer than {SECONDS:g} s") from None
        except OSError as error:
            raise GitSilent(f"git cannot be started: {error.strerror}") from None
        return done.returncode, os.fsdecode(done.stdout)

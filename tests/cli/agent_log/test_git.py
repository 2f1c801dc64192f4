"""What git is asked, against real repositories: names, bases, merges made again, pushes, what is tracked."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.agent_log import git
from cli.agent_log.git import GitSilent, Repository
from tests.cli.agent_log.conftest import BRANCH, World, git_in

pytestmark = pytest.mark.integration


@pytest.fixture
def here(world: World) -> Repository:
    """The repository as the log sees it."""
    return Repository(world.root)


def test_branch_head_and_user_are_those_of_the_checkout(here: Repository, world: World) -> None:
    assert (here.branch(), here.head(), here.user()) == (BRANCH, world.head, "Лиса")
    world.git("checkout", "-q", "--detach")
    assert (here.branch(), here.head()) == ("", world.head)


def test_a_short_hash_becomes_the_whole_one_and_an_unknown_one_is_silence(here: Repository, world: World) -> None:
    assert here.commit(world.head[:8]) == world.head
    for name in ("0" * 40, "--help", "no-such-branch"):
        with pytest.raises(GitSilent):
            here.commit(name)


def test_the_base_is_the_branch_of_the_remote_and_else_our_own(here: Repository, world: World) -> None:
    assert here.base("staging") == "refs/remotes/origin/staging"
    world.git("remote", "rename", "origin", "upstream")
    assert here.base("staging") == "refs/remotes/upstream/staging"
    world.git("remote", "remove", "upstream")
    assert here.base("staging") == "refs/heads/staging"
    assert here.base("no-such-branch") is None


def test_commits_of_the_branch_are_those_its_base_lacks_the_newest_first(here: Repository, world: World) -> None:
    first = world.head
    second = world.commit("second.txt")
    assert here.commits_since("origin/staging", "HEAD") == [second, first]
    assert here.commits_since("HEAD", "HEAD") == []


def test_histories_with_nothing_in_common_are_silence(here: Repository, world: World) -> None:
    world.git("checkout", "-q", "--orphan", "alone")
    world.git("commit", "-q", "--allow-empty", "-m", "alone")
    with pytest.raises(GitSilent):
        here.commits_since("origin/staging", "HEAD")


def test_more_commits_than_are_noted_are_cut(here: Repository, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "MOST_COMMITS", 3)
    for number in range(6):
        world.commit(f"{number}.txt")
    assert len(here.commits_since("origin/staging", "HEAD")) == 4, "one more, so that the cut is seen"


def test_a_push_is_seen_by_what_was_fetched(here: Repository, world: World) -> None:
    assert here.is_pushed(world.head) is False
    world.git("push", "-q", "origin", BRANCH)
    assert here.is_pushed(world.head) is True
    world.git("remote", "remove", "origin")
    assert here.is_pushed(world.head) is None


def diverged(world: World, name: str, *, ours: str, theirs: str) -> None:
    """Both the branch and its base change a file, and the branch takes the base in with `ours` as the result."""
    world.commit(name, ours)
    world.git("checkout", "-q", "staging")
    world.commit("base-of-" + name if theirs == ours else name, theirs)
    world.git("push", "-q", "origin", "staging")
    world.git("checkout", "-q", BRANCH)


def test_a_merge_is_made_again_and_its_conflict_is_found(here: Repository, world: World) -> None:
    diverged(world, "price.txt", ours="6\n", theirs="4\n")
    with pytest.raises(AssertionError):
        world.git("merge", "-q", "origin/staging")
    world.commit("price.txt", "5\n", "merge: by hand")
    assert here.resolved_conflicts("origin/staging", "HEAD") is True
    assert world.git("status", "--short") == "", "nothing in the checkout is touched"


def test_a_merge_without_a_conflict_and_a_branch_without_a_merge_have_none(here: Repository, world: World) -> None:
    assert here.resolved_conflicts("origin/staging", "HEAD") is False
    diverged(world, "price.txt", ours="6\n", theirs="6\n")
    world.git("merge", "-q", "--no-edit", "origin/staging")
    assert here.resolved_conflicts("origin/staging", "HEAD") is False


def test_a_base_that_is_not_there_leaves_conflicts_unknown(here: Repository) -> None:
    assert here.resolved_conflicts("no-such-base", "HEAD") is None


def test_tracked_files_have_their_own_names_whatever_these_are(here: Repository, world: World) -> None:
    folder = world.root / "Документация"
    folder.mkdir()
    for name in ("отчёт с пробелом.md", 'quoted".md', "tab\tname.md", "untracked.md"):
        (folder / name).write_text("x")
    world.git("add", ".")
    world.git("reset", "-q", "--", "Документация/untracked.md")
    names = {path.name for path in here.tracked(folder)}
    assert names == {"отчёт с пробелом.md", 'quoted".md', "tab\tname.md"}
    assert all(path.is_file() for path in here.tracked(folder))


def test_a_project_below_the_top_of_the_repository_finds_its_files(world: World) -> None:
    below = world.root / "service"
    (below / "Документация").mkdir(parents=True)
    (below / "Документация" / "README.md").write_text("x")
    world.git("add", ".")
    assert Repository(below).tracked(below / "Документация") == [below / "Документация" / "README.md"]


def test_a_worktree_is_a_repository_too(world: World, tmp_path: Path) -> None:
    world.git("worktree", "add", "-q", str(tmp_path / "tree"), "-b", "feature/tree", "staging")
    tree = Repository(tmp_path / "tree")
    assert (tree.branch(), tree.is_shallow()) == ("feature/tree", False)


def test_a_folder_without_a_repository_is_silence(tmp_path: Path) -> None:
    nowhere = Repository(tmp_path)
    for ask in (nowhere.branch, nowhere.head, nowhere.is_shallow, lambda: nowhere.tracked(tmp_path)):
        with pytest.raises(GitSilent):
            ask()


def test_git_that_takes_too_long_is_silence(here: Repository, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = world.root / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:/bin:/usr/bin")
    monkeypatch.setattr(git, "SECONDS", 0.2)
    with pytest.raises(GitSilent, match=r"longer than 0\.2 s"):
        here.branch()


def test_git_is_asked_without_a_prompt_and_without_locks(
    here: Repository, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = world.root / "told"
    fake = world.root / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\necho "$GIT_TERMINAL_PROMPT $GIT_OPTIONAL_LOCKS $LC_ALL" > {told}\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/bin:/usr/bin")
    here.user()
    assert told.read_text() == "0 0 C\n"


def test_the_repository_of_the_tests_is_none_of_this_machine(world: World) -> None:
    assert git_in(world.root, "config", "--get", "remote.origin.url").endswith("origin.git")

"""What Railway is asked about a credential itself. Held against Railway's schema by the same test as the others."""

from typing import TypedDict

from cli.platforms.graphql import Query

PROJECT_TOKEN = Query("""
query ProjectToken {
  projectToken { id projectId environmentId environment { name } project { name } }
}
""")

ACCOUNT = Query("""
query Account {
  me { name }
}
""")

ALL = (PROJECT_TOKEN, ACCOUNT)
"""Every document of this module."""


class Named(TypedDict):
    """Something with a name."""

    name: str


class ProjectToken(TypedDict):
    """The one environment of one project that a project token is of."""

    id: str
    projectId: str
    environmentId: str
    environment: Named
    project: Named


class ProjectTokenAnswer(TypedDict):
    """What PROJECT_TOKEN answers."""

    projectToken: ProjectToken


class Person(TypedDict):
    """Whose account it is."""

    name: str | None


class AccountAnswer(TypedDict):
    """What ACCOUNT answers; a workspace's token is no person's, and is refused here alone."""

    me: Person

"""Documents for Railway: only queries exist, and Railway's schema knows every one of them."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from cli.platforms import railway_documents
from cli.platforms.graphql import NotReadOnly, Query
from tests.emulators.graphql import SCHEMA, Document, Invalid, validate

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "text",
    [
        "mutation { variableUpsert(input: {}) }",
        "subscription { deploymentLogs(deploymentId: 1) { message } }",
        "# query\nmutation M { a }",
        "#\rmutation M { a }",
        "{ a } mutation { b }",
        "query A { a } query B { b }",
        "query A { a } subscription B { b }",
        "fragment F on T { a } mutation { ...F }",
        "fragment F on T { a }",
        'query A { a(s: "\\\\") } mutation { b(s: "") }',
        'query A { a(s: """x""") } mutation { b }',
        "\ufeffmutation { a }",
        "query A { a } # \u2028 mutation",
        "extend type Query { a: Int }",
        "query A { a",
        "query A { a } }",
        "query A { a(b: [1) }",
        'query A { a(s: "open) }',
        "query A { a } %",
        "",
        "# nothing",
        "query",
    ],
)
def test_what_is_not_one_query_cannot_be_made(text: str) -> None:
    with pytest.raises(NotReadOnly):
        Query(text)


@pytest.mark.parametrize(
    "text",
    [
        "{ a }",
        "query { mutation }",
        "query A { mutation: a subscription: b { c } }",
        "query A { a } # } mutation B { b }",
        'query A { a(s: "} mutation B { b }") }',
        'query A { a(s: "\\"} mutation {") }',
        'query A { a(s: """ " } mutation \\""" { """) }',
        'query A($s: String = "}", $i: I = { mutation: {} }) @d(x: [1, -2.5e3]) { a(i: $i) { ...F ... on T { b } } }'
        " fragment F on mutation { c }",
        'query A { a(s: "") b(s: """""") }',
    ],
)
def test_a_word_in_a_comment_a_text_or_a_name_is_no_operation(text: str) -> None:
    assert Query(text).text == text


def test_a_query_that_was_changed_behind_our_back_is_not_sent() -> None:
    from cli.platforms.http import Platform
    from cli.platforms.railway import Railway

    query = Query("{ a }")
    object.__setattr__(query, "text", "mutation { a }")
    # Nothing listens there, and sockets are closed in this test: a request would be another failure.
    client = Railway(Platform("Railway", "http://127.0.0.1:9", {}, None, 1), project="p", environment="e")
    with pytest.raises(NotReadOnly):
        client.ask(query, dict[str, int], {})


def _documents() -> dict[str, Query]:
    """Every document that any module of `cli` holds: whoever adds one needs to tell nobody."""
    found: dict[str, Query] = {}
    for file in sorted((ROOT / "cli").rglob("*.py")):
        if "Query(" not in file.read_text("utf-8") or file.name == "graphql.py":
            continue
        module = importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
        made = {f"{module.__name__}.{name}": value for name, value in vars(module).items() if isinstance(value, Query)}
        assert len(set(made.values())) == file.read_text("utf-8").count("= Query("), f"{file}: a document has no name"
        found |= made
    return found


DOCUMENTS = _documents()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_railways_schema_knows_every_field_argument_and_variable(name: str) -> None:
    validate(Document(DOCUMENTS[name].text))


def test_documents_of_every_module_are_found() -> None:
    modules = {name.rpartition(".")[0] for name in DOCUMENTS}
    assert "cli.platforms.railway_documents" in modules
    assert {*railway_documents.ALL} <= {*DOCUMENTS.values()}


def test_no_query_leaves_by_another_way() -> None:
    """Only these modules know the address of Railway's API; a text that is no `Query` cannot be sent by them."""
    senders = {file.name for file in (ROOT / "cli").rglob("*.py") if "graphql/v2" in file.read_text("utf-8")}
    assert senders == {"railway.py"}


def test_every_state_of_a_deployment_in_the_schema_is_known() -> None:
    assert set(SCHEMA["types"]["DeploymentStatus"]["values"]) == set(railway_documents.PROGRESS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("query { nothing }", 'Cannot query field "nothing"'),
        ("query { deployment { id } }", 'Argument "id"'),
        ("query A($i: ID!) { deployment(id: $i) { id } }", 'Variable "\\$i" of type "ID!"'),
        ("query A($i: String!) { deployment(id: $i, x: 1) { id } }", 'Unknown argument "x"'),
        ("query A($i: String!) { deployment(id: $i) }", "must have a selection"),
        ("mutation { a }", "a mutation reached Railway"),
    ],
)
def test_the_validator_can_say_no(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        validate(Document(text))


def test_what_looks_like_a_secret_is_masked_and_the_rest_is_not() -> None:
    from cli.masking import masked

    assert masked("postgresql://nb:secret@db/nb failed") == "postgresql://[secret]@db/nb failed"
    assert masked("Bearer ghp_" + "a" * 36) == "Bearer [secret]"
    assert masked("nbk_0123456789 asked for g_000001 at 12:00:03") == "[secret] asked for g_000001 at 12:00:03"

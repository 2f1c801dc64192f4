"""What `nb` expects, what the emulator answers, and what the service promises are the same."""

from __future__ import annotations

import json
from typing import Any, get_type_hints

import pytest
from pydantic import BaseModel

from cli import wire, wire_generations, wire_ledger, wire_models, wire_webhook
from core import readiness
from core.http.ops import (
    audit_schemas,
    catalogue_schemas,
    ledger_schemas,
    provider_schemas,
    schemas,
    users_schemas,
    webhook_schemas,
)
from tests.cli.emulator import TOKEN, Emulator

PAIRS: list[tuple[Any, type[BaseModel]]] = [
    (wire.ServiceStatus, schemas.Status),
    (wire.Process, schemas.Process),
    (wire.QueueDepth, schemas.Queue),
    (wire.InProgress, schemas.InProgress),
    (wire.Backlog, schemas.Waiting),
    (wire.Generation, schemas.GenerationItem),
    (wire.GenerationPage, schemas.GenerationPage),
    (wire.GenerationDetail, schemas.Generation),
    (wire.TriedRoute, schemas.TriedRoute),
    (wire.Times, schemas.Times),
    (wire.Refund, schemas.Refund),
    (wire.Delivery, schemas.Delivery),
    (wire.Relative, schemas.Relative),
    (wire_webhook.Webhook, webhook_schemas.Webhook),
    (wire_webhook.WebhookCheck, webhook_schemas.WebhookCheck),
    (wire_webhook.WebhookDifference, webhook_schemas.WebhookDifference),
    (wire_generations.Provider, provider_schemas.Provider),
    (wire_generations.ProviderList, provider_schemas.ProviderList),
    (wire_generations.ProviderDetail, provider_schemas.ProviderDetail),
    (wire_generations.ProviderOutcomes, provider_schemas.Outcomes),
    (wire.Media, schemas.ResultFile),
    (wire.Charge, schemas.Charge),
    (wire.GenerationEvent, schemas.GenerationEvent),
    (wire.Quote, schemas.Quote),
    (wire.Factor, schemas.Factor),
    (wire.Model, catalogue_schemas.Model),
    (wire.ModelPage, catalogue_schemas.ModelPage),
    (wire_models.ModelDetail, catalogue_schemas.ModelDetail),
    (wire_models.ModelOption, catalogue_schemas.Option),
    (wire_models.OptionChoice, catalogue_schemas.Choice),
    (wire_models.ModelRoute, catalogue_schemas.Route),
    (wire_models.ModelSlot, catalogue_schemas.Slot),
    (wire_models.ModelFollowUp, catalogue_schemas.FollowUp),
    (wire_models.ModelEdited, catalogue_schemas.EditedModel),
    (wire_models.CatalogueCheck, catalogue_schemas.CatalogueCheck),
    (wire_models.CatalogueFinding, catalogue_schemas.Finding),
    (wire_models.CatalogueSynced, catalogue_schemas.Synced),
    (wire_models.CatalogueDifference, catalogue_schemas.Difference),
    (wire.LedgerReport, schemas.LedgerReport),
    (wire.LedgerProblem, schemas.LedgerProblem),
    (wire_ledger.Posting, ledger_schemas.Posting),
    (wire_ledger.Statement, ledger_schemas.Statement),
    (wire_ledger.BookLine, ledger_schemas.BookLine),
    (wire_ledger.BookEntry, ledger_schemas.BookEntry),
    (wire_ledger.BookPage, ledger_schemas.BookPage),
    (wire_ledger.User, users_schemas.User),
    (wire_ledger.UserBalance, users_schemas.Balance),
    (wire_ledger.UserReferral, users_schemas.Referral),
    (wire_ledger.UserPayment, users_schemas.UserPayment),
    (wire_ledger.AuditEvent, audit_schemas.AuditEvent),
    (wire_ledger.AuditPage, audit_schemas.AuditPage),
]


@pytest.mark.parametrize(("shape", "model"), PAIRS, ids=lambda part: part.__name__)
def test_nb_expects_what_the_service_promises(shape: Any, model: type[BaseModel]) -> None:
    assert set(get_type_hints(shape)) == set(model.model_fields)


@pytest.mark.parametrize(
    ("shape", "model"),
    [
        (wire_ledger.Adjusted, users_schemas.Adjusted),
        (wire_ledger.Blocking, users_schemas.Blocking),
        (wire_generations.GenerationChanged, schemas.GenerationChanged),
        (wire_generations.ProviderChanged, provider_schemas.Provider),
    ],
    ids=lambda part: part.__name__,
)
def test_nb_adds_to_a_change_only_whether_it_was_a_rehearsal(shape: Any, model: type[BaseModel]) -> None:
    assert set(get_type_hints(shape)) - {"dry_run"} == set(model.model_fields)


def test_a_readiness_check_is_what_the_service_makes() -> None:
    assert set(get_type_hints(wire.Check)) == set(readiness.Check.__dataclass_fields__)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("method", "path", "body", "model"),
    [
        ("GET", "status", None, schemas.Status),
        ("GET", "generations", None, schemas.GenerationPage),
        ("POST", "pricing/quote", {"model": "demo-image", "params": {}}, schemas.Quote),
        ("GET", "models", None, catalogue_schemas.ModelPage),
        ("GET", "models/kling-v2-6", None, catalogue_schemas.ModelDetail),
        ("POST", "models/kling-v2-6", {}, catalogue_schemas.EditedModel),
        ("GET", "catalogue/check", None, catalogue_schemas.CatalogueCheck),
        ("POST", "catalogue/sync", {}, catalogue_schemas.Synced),
        ("GET", "ledger/verify", None, schemas.LedgerReport),
        ("GET", "ledger/statement/100200300", None, ledger_schemas.Statement),
        ("GET", "users/100200300", None, users_schemas.User),
        ("POST", "users/100200300/credit", {}, users_schemas.Adjusted),
        ("POST", "users/100200300/block", {}, users_schemas.Blocking),
        ("GET", "audit", None, audit_schemas.AuditPage),
    ],
)
def test_the_emulator_answers_as_the_service_would(
    service: Emulator, method: str, path: str, body: object, model: type[BaseModel]
) -> None:
    status, content = service.answer(method, f"/api/ops/v1/{path}", f"Bearer {TOKEN}", json.dumps(body).encode())
    assert status == 200
    model.model_validate(content)

"""What `data` of each command holds. The committed JSON Schemas are made from these shapes."""

from typing import Any, Literal, NotRequired, TypedDict

from cli.agent_log.shapes import AddData, LintData, ListData, RenderData, ShowData, SyncData
from cli.deploys.shapes import DeployStatusData, DeployVerifyData, DeployWhyData, EnvironmentDeploy
from cli.logs.shapes import LogsData
from cli.smoke.shapes import SmokeData
from cli.wire import (
    CheckLevel,
    CheckState,
    GenerationDetail,
    GenerationPage,
    LedgerReport,
    ModelPage,
    Quote,
    ServiceStatus,
)
from cli.wire_errors import (
    ErrorChanged,
    ErrorDetail,
    ErrorGroupPage,
    ErrorPage,
    ErrorTail,
    ScheduleChanged,
    ScheduleList,
)
from cli.wire_generations import GenerationChanged, ProviderChanged, ProviderDetail, ProviderList
from cli.wire_ledger import Adjusted, AuditPage, Blocking, ExportData, Noted, Statement, User
from cli.wire_models import CatalogueCheck, CatalogueSynced, ModelDetail, ModelEdited
from cli.wire_payments import Dismissed, PaymentDetail, PaymentPage, Reconciliation, Refunded, TestOrder
from cli.wire_prices import (
    Approval,
    ApprovalList,
    Price,
    PriceCheck,
    PriceDetail,
    PriceEdited,
    PricePreview,
    PriceRevision,
    PriceRevisionPage,
    TokenPackage,
    TokenPackageEdited,
    TokenPackageList,
)
from cli.wire_promo import PromoCreated, PromoDetail, PromoPage, PromoSwitched
from cli.wire_statistics import Statistics
from cli.wire_tokens import CredentialKept, TokenCreated, TokenPage, TokenRevoked
from cli.wire_webhook import Webhook, WebhookSet


class VitalCheck(TypedDict):
    """A check of the service or of `nb` itself. `facts` say for machines what `detail` says in words."""

    id: str
    state: CheckState
    level: CheckLevel
    detail: str
    duration_ms: float
    fix: str | None
    facts: dict[str, Any]


class HealthData(TypedDict):
    """`nb health`. `ok` is that of all checks."""

    ok: bool
    url: str
    version: str
    commit: str
    environment: str
    latency_ms: float
    expected_commit: str | None
    checks: list[VitalCheck]


class ReadyData(TypedDict):
    """`nb ready`. Without a token `checks` are those that `nb` makes itself, and `authorized` is false."""

    ok: bool
    state: CheckState
    url: str
    authorized: bool
    latency_ms: float
    commit: str
    expected_commit: str | None
    checks: list[VitalCheck]


class LocalProcess(TypedDict):
    """A process that `nb up` looks after."""

    name: str
    state: str
    pid: int | None
    uptime_s: float | None
    restarts: int


class LocalState(TypedDict):
    """What the supervisor on this machine says."""

    home: str
    phase: str
    running: bool
    supervisor_pid: int | None
    uptime_s: float | None
    addresses: dict[str, Any] | None
    processes: list[LocalProcess]


class UpData(TypedDict):
    """`nb up`: where everything is. Passwords are never in an address."""

    web: str
    sandbox: str | None
    chat: str | None
    console: str
    health: str
    database: str
    redis: str
    home: str
    already_running: bool


class DownData(TypedDict):
    """`nb down`."""

    was_running: bool
    ended_leftovers: NotRequired[int]
    wiped: bool
    home: str
    dry_run: NotRequired[bool]


class LoadedModels(TypedDict):
    """What loading the shipped catalogue did, by slug. Of what was edited here the columns are named."""

    added: list[str]
    unchanged: list[str]
    edited_here: dict[str, Any]


class MigrateData(TypedDict):
    """`nb db migrate`. Packages are added where there are none."""

    applied: list[str]
    models: LoadedModels
    packages_added: list[str]


class PriceSetData(PricePreview):
    """`nb pricing set`: what it does, the revision it made, and in `inverse` the command that undoes it."""

    changed: bool
    revision: PriceRevision | None
    inverse: str | None
    dry_run: NotRequired[bool]


class PriceRevertData(PriceEdited):
    """`nb pricing revert`."""

    dry_run: NotRequired[bool]


class PriceExportData(TypedDict):
    """`nb pricing export`."""

    format: Literal["csv", "json"]
    items: list[Price]


class PackageEditData(TokenPackageEdited):
    """`nb packages set`, `add`, `disable`, `enable`."""

    dry_run: NotRequired[bool]


class PackageOrderData(TokenPackageList):
    """`nb packages order`."""

    dry_run: NotRequired[bool]


class ApprovalData(Approval):
    """`nb approve CODE`."""

    dry_run: NotRequired[bool]


class MigrationCheckData(TypedDict):
    """`nb db check`: how models and migrations differ, and the ids that the database has not seen."""

    differences: list[str]
    unapplied: list[str]


class StatusData(TypedDict):
    """`nb status`: the service's own view, and for `local` the supervisor's."""

    service: ServiceStatus | None
    local: LocalState | None


DoctorState = Literal["ok", "failed", "unknown", "skipped"]


class DoctorCheck(TypedDict):
    """One thing that the doctor looked at. `skipped`: there is nothing to look at yet, or it is optional."""

    id: str
    group: str
    state: DoctorState
    detail: str
    fix: str | None


class DoctorCounts(TypedDict):
    """How many checks ended in each state."""

    ok: int
    failed: int
    unknown: int
    skipped: int


class DoctorGroup(TypedDict):
    """A group with the worst of its states."""

    group: str
    state: DoctorState


class DoctorData(TypedDict):
    """`nb doctor`."""

    checks: list[DoctorCheck]
    counts: DoctorCounts
    groups: list[DoctorGroup]


class ContextCredential(TypedDict):
    """Where a credential comes from: a variable's name or the file's path. The credential itself is nowhere."""

    kind: str
    present: bool
    source: str | None
    fix: str | None


class ContextData(TypedDict):
    """`nb context`. `environment` tells what is known of the one that is shown."""

    env: str
    source: str
    environments: list[str]
    url: str | None
    branch: str | None
    repository: str | None
    railway_project: str | None
    railway_environment: str | None
    protected: bool
    home: str
    credentials_file: str
    credentials: list[ContextCredential]
    changed: NotRequired[bool]


class JournalRun(TypedDict):
    """A run of nb."""

    run_id: str
    at: str
    command: str
    arguments: list[str]
    env: str | None
    branch: str
    head: str
    agent: str
    exit_code: int
    error: str
    duration_ms: float
    facts: dict[str, Any]


class JournalData(TypedDict):
    """`nb journal`: runs, the newest first."""

    path: str
    items: list[JournalRun]


class SchemaList(TypedDict):
    """`nb schema` without a command; with one, `data` is its schema."""

    commands: NotRequired[list[str]]


class HelpData(TypedDict):
    """`nb help`."""

    topic: str
    text: str


class ModelEditData(ModelEdited):
    """`nb models set`, `enable` and `disable`."""

    dry_run: NotRequired[bool]


class ModelOrderData(ModelPage):
    """`nb models order`."""

    dry_run: NotRequired[bool]


class CatalogueSyncData(CatalogueSynced):
    """`nb catalog sync`."""

    dry_run: NotRequired[bool]


class StatisticsData(Statistics):
    """`nb stats`: the period in numbers, and where they were written."""

    format: Literal["table", "json", "csv", "svg"]
    output: str | None


SHAPES: dict[str, Any] = {
    "up": UpData,
    "down": DownData,
    "db.migrate": MigrateData,
    "db.check": MigrationCheckData,
    "health": HealthData,
    "ready": ReadyData,
    "status": StatusData,
    "stats": StatisticsData,
    "smoke": SmokeData,
    "doctor": DoctorData,
    "webhook.info": Webhook,
    "webhook.check": Webhook,
    "webhook.set": WebhookSet,
    "logs": LogsData,
    "deploy.status": DeployStatusData,
    "deploy.wait": EnvironmentDeploy,
    "deploy.verify": DeployVerifyData,
    "deploy.why": DeployWhyData,
    "gen.list": GenerationPage,
    "gen.show": GenerationDetail,
    "gen.stuck": GenerationPage,
    "gen.retry": GenerationChanged,
    "gen.cancel": GenerationChanged,
    "gen.refund": GenerationChanged,
    "providers.list": ProviderList,
    "providers.show": ProviderDetail,
    "providers.park": ProviderChanged,
    "providers.unpark": ProviderChanged,
    "providers.limit": ProviderChanged,
    "providers.enable": ProviderChanged,
    "providers.disable": ProviderChanged,
    "pricing.quote": Quote,
    "pricing.list": ModelPage,
    "pricing.show": PriceDetail,
    "pricing.set": PriceSetData,
    "pricing.preview": PricePreview,
    "pricing.history": PriceRevisionPage,
    "pricing.revert": PriceRevertData,
    "pricing.check": PriceCheck,
    "pricing.export": PriceExportData,
    "models.list": ModelPage,
    "models.show": ModelDetail,
    "models.set": ModelEditData,
    "models.enable": ModelEditData,
    "models.disable": ModelEditData,
    "models.order": ModelOrderData,
    "catalog.check": CatalogueCheck,
    "catalog.sync": CatalogueSyncData,
    "packages.list": TokenPackageList,
    "packages.show": TokenPackage,
    "packages.set": PackageEditData,
    "packages.add": PackageEditData,
    "packages.disable": PackageEditData,
    "packages.enable": PackageEditData,
    "packages.order": PackageOrderData,
    "approve": ApprovalData,
    "approve.list": ApprovalList,
    "approve.show": Approval,
    "ledger.verify": LedgerReport,
    "ledger.statement": Statement,
    "ledger.export": ExportData,
    "payments.list": PaymentPage,
    "payments.show": PaymentDetail,
    "payments.refund": Refunded,
    "payments.dismiss": Dismissed,
    "payments.reconcile": Reconciliation,
    "payments.test": TestOrder,
    "promo.list": PromoPage,
    "promo.show": PromoDetail,
    "promo.create": PromoCreated,
    "promo.disable": PromoSwitched,
    "promo.enable": PromoSwitched,
    "users.show": User,
    "users.credit": Adjusted,
    "users.debit": Adjusted,
    "users.block": Blocking,
    "users.unblock": Blocking,
    "users.note": Noted,
    "errors.list": ErrorPage,
    "errors.show": ErrorDetail,
    "errors.group": ErrorGroupPage,
    "errors.take": ErrorChanged,
    "errors.resolve": ErrorChanged,
    "errors.tail": ErrorTail,
    "schedule.list": ScheduleList,
    "schedule.enable": ScheduleChanged,
    "schedule.disable": ScheduleChanged,
    "schedule.set": ScheduleChanged,
    "schedule.run": ScheduleChanged,
    "audit.list": AuditPage,
    "agent-log.add": AddData,
    "agent-log.list": ListData,
    "agent-log.show": ShowData,
    "agent-log.render": RenderData,
    "agent-log.lint": LintData,
    "agent-log.sync": SyncData,
    "token.create": TokenCreated,
    "token.list": TokenPage,
    "token.revoke": TokenRevoked,
    "token.save": CredentialKept,
    "token.forget": CredentialKept,
    "journal": JournalData,
    "context.show": ContextData,
    "context.use": ContextData,
    "schema": SchemaList,
    "help": HelpData,
}
"""Shape of `data` by command."""

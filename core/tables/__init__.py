"""The tables, one module per area. Constraints that Piccolo cannot express are in the migrations beside them."""

from core.tables.bonuses import DailyReward, PromoCode, PromoRedemption, Referral
from core.tables.catalog import AIModel, PriceRevision, PricingSettings
from core.tables.chat import ChatMessage, ChatThread
from core.tables.errors import ErrorEvent
from core.tables.events import InboxEvent, OutboxMessage
from core.tables.generations import Cart, Generation, GenerationEvent
from core.tables.ledger import Balance, Charge, Transaction
from core.tables.media import Refusal, Upload
from core.tables.operations import AgentLogEntry, Approval, AuditEvent, OpsToken, ScheduleEntry
from core.tables.payments import Payment, TokenPackage
from core.tables.providers import ProviderState
from core.tables.users import User, UserSettings

TABLES = [
    User,
    UserSettings,
    Balance,
    Transaction,
    Charge,
    TokenPackage,
    Payment,
    PromoCode,
    PromoRedemption,
    Referral,
    DailyReward,
    PricingSettings,
    AIModel,
    PriceRevision,
    Generation,
    GenerationEvent,
    Cart,
    ChatThread,
    ChatMessage,
    InboxEvent,
    OutboxMessage,
    OpsToken,
    ScheduleEntry,
    AuditEvent,
    Approval,
    ProviderState,
    Upload,
    Refusal,
    ErrorEvent,
    AgentLogEntry,
]

__all__ = [
    "TABLES",
    "AIModel",
    "AgentLogEntry",
    "Approval",
    "AuditEvent",
    "Balance",
    "Cart",
    "Charge",
    "ChatMessage",
    "ChatThread",
    "DailyReward",
    "ErrorEvent",
    "Generation",
    "GenerationEvent",
    "InboxEvent",
    "OpsToken",
    "OutboxMessage",
    "Payment",
    "PriceRevision",
    "PricingSettings",
    "PromoCode",
    "PromoRedemption",
    "ProviderState",
    "Referral",
    "Refusal",
    "ScheduleEntry",
    "TokenPackage",
    "Transaction",
    "Upload",
    "User",
    "UserSettings",
]

"""The tables, one module per area. Constraints that Piccolo cannot express are in the migrations beside them."""

from core.tables.catalog import AIModel, PricingSettings
from core.tables.chat import ChatMessage, ChatThread
from core.tables.events import InboxEvent, OutboxMessage
from core.tables.generations import Generation, GenerationEvent
from core.tables.ledger import Balance, Charge, PromoCode, Transaction
from core.tables.operations import OpsToken, ScheduleEntry
from core.tables.users import User, UserSettings

TABLES = [
    User,
    UserSettings,
    Balance,
    Transaction,
    Charge,
    PromoCode,
    PricingSettings,
    AIModel,
    Generation,
    GenerationEvent,
    ChatThread,
    ChatMessage,
    InboxEvent,
    OutboxMessage,
    OpsToken,
    ScheduleEntry,
]

__all__ = [
    "TABLES",
    "AIModel",
    "Balance",
    "Charge",
    "ChatMessage",
    "ChatThread",
    "Generation",
    "GenerationEvent",
    "InboxEvent",
    "OpsToken",
    "OutboxMessage",
    "PricingSettings",
    "PromoCode",
    "ScheduleEntry",
    "Transaction",
    "User",
    "UserSettings",
]

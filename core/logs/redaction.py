"""The door of the logs to :mod:`core.redaction`, which `nb` shares without what else is needed to write logs."""

from __future__ import annotations

from core.redaction import REDACTED, Redactor, redact, use

__all__ = ["REDACTED", "Redactor", "redact", "use"]

"""People at the console: who they are, for which brands they work, and what they may do."""

import re
import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class Role(StrEnum):
    """What an agent is here for; each role may do what `PERMISSIONS` says and no more."""

    AGENT = "agent"
    COMPLIANCE = "compliance"
    ADMIN = "admin"


class Permission(StrEnum):
    """One thing that can be done at the console."""

    READ_CONVERSATIONS = "read_conversations"
    SEND = "send"
    EDIT_CUSTOMERS = "edit_customers"
    RECORD_CONSENT = "record_consent"
    READ_OPT_OUTS = "read_opt_outs"
    IMPORT_OPT_OUTS = "import_opt_outs"
    EXPORT = "export"
    READ_REPORTS = "read_reports"
    READ_AUDIT = "read_audit"
    READ_SETTINGS = "read_settings"
    CHANGE_SETTINGS = "change_settings"
    MANAGE_AGENTS = "manage_agents"
    MANAGE_KEYS = "manage_keys"
    SETTLE_DRIFT = "settle_drift"
    ERASE = "erase"


_AGENT: Final = frozenset(
    {
        Permission.READ_CONVERSATIONS,
        Permission.SEND,
        Permission.EDIT_CUSTOMERS,
        Permission.RECORD_CONSENT,
        Permission.READ_OPT_OUTS,
    }
)
_COMPLIANCE: Final = frozenset(
    {
        Permission.READ_CONVERSATIONS,
        Permission.RECORD_CONSENT,
        Permission.READ_OPT_OUTS,
        Permission.IMPORT_OPT_OUTS,
        Permission.EXPORT,
        Permission.READ_REPORTS,
        Permission.READ_AUDIT,
        Permission.READ_SETTINGS,
    }
)

PERMISSIONS: Final[dict[Role, frozenset[Permission]]] = {
    Role.AGENT: _AGENT,
    Role.COMPLIANCE: _COMPLIANCE,
    Role.ADMIN: frozenset(Permission),
}
"""Who may do what. Compliance reads everything and writes to nobody; an admin may do all."""

PASSWORD_CHARACTERS_MIN: Final = 12
PASSWORD_CHARACTERS_MAX: Final = 1000
EMAIL_CHARACTERS_MAX: Final = 254
_EMAIL: Final = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")


def read_email(text: str) -> str | None:
    """Read an email address as it is kept, in lower case; None where it is none."""
    email = unicodedata.normalize("NFC", text.strip().lower())
    if len(email) > EMAIL_CHARACTERS_MAX or not _EMAIL.fullmatch(email):
        return None
    return email


def find_password_fault(password: str, *, email: str, name: str) -> str | None:
    """Say in a sentence why this cannot be somebody's password; None where it can."""
    if len(password) < PASSWORD_CHARACTERS_MIN:
        return f"Use at least {PASSWORD_CHARACTERS_MIN} characters."
    if len(password) > PASSWORD_CHARACTERS_MAX:
        return f"Use at most {PASSWORD_CHARACTERS_MAX} characters."
    known = {email.casefold(), email.partition("@")[0].casefold(), name.strip().casefold()}
    if password.strip().casefold() in known:
        return "Use something other than your name or email."
    return None


class Agent(msgspec.Struct, frozen=True, omit_defaults=True):
    """A person who signs in at the console.

    `email` is how they sign in, in lower case, and belongs to one agent. `role` None: known, but
    without access. `brands`: those they work for; empty is every brand. `password_hash` is
    argon2id's own text; None where they sign in by link or through a provider, which knows them
    as `subject` (the issuer, a space, and its `sub`). `epoch` counts how often all their sessions
    were ended at once; a session of an earlier epoch lets nobody in.
    """

    id: str
    email: str
    name: str
    role: Role | None
    created_at: datetime
    brands: tuple[str, ...] = ()
    password_hash: str | None = None
    subject: str | None = None
    disabled_at: datetime | None = None
    epoch: int = 0

    def may(self, permission: Permission) -> bool:
        """Tell whether this agent may do a thing now."""
        if self.role is None or self.disabled_at is not None:
            return False
        return permission in PERMISSIONS[self.role]

    def sees(self, brand: str) -> bool:
        """Tell whether this agent works for a brand."""
        return not self.brands or brand in self.brands

"""People at the console: who they are, for which brands they work, and what they may do."""

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

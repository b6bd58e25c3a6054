"""Where checkpoints are kept, beside the database."""

import msgspec


class Places(msgspec.Struct, frozen=True):
    """Where checkpoints are kept, and how often; None: nowhere."""

    folder: str | None = None
    folder_seconds: float = 600.0
    authority: str | None = None
    authority_seconds: float = 3600.0

"""Commands that read and write the database themselves."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from consentry.cli.output import fail
from consentry.domain.phone import InvalidNumber, normalize_phone
from consentry.opening import open_store, start_logging
from consentry.ports import Store
from consentry.settings import Settings, read_settings

T = TypeVar("T")


def with_store(use: Callable[[Store, Settings], Awaitable[T]], *, keeps_log: bool = False) -> T:
    """Open the database of the settings, use it, close it; `keeps_log` as in `open_store`."""

    async def run() -> T:
        settings = read_settings()
        start_logging(settings)
        store = open_store(settings, keeps_log=keeps_log)
        try:
            return await use(store, settings)
        finally:
            await store.close()

    return asyncio.run(run())


def read_recipient(text: str, settings: Settings) -> str:
    """Normalize a phone number from the command line; a wrong one ends with exit code 2."""
    try:
        return normalize_phone(text, region=settings.default_region)
    except InvalidNumber as error:
        fail(str(error), code=2)

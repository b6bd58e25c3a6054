"""The documentation's own routes: the document, and a page to read it on."""

from functools import cache
from typing import Final

import msgspec

from consentry.api.docs_page import read_style, render_page
from consentry.api.openapi import build_document
from consentry.api.operations import Answer, Call, Operation, Tag
from consentry.api.problems import Header
from consentry.api.table import OPERATIONS

_POLICY: Final[Header] = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
)


@cache
def _document() -> bytes:
    return msgspec.json.encode(build_document(OPERATIONS))


@cache
def _page() -> bytes:
    return render_page(build_document(OPERATIONS)).encode()


async def read_document(call: Call[None, None]) -> Answer:
    """Give the OpenAPI document."""
    del call
    return Answer(_document())


async def read_page(call: Call[None, None]) -> Answer:
    """Give the page: one file, no script, nothing from elsewhere."""
    del call
    return Answer(_page(), headers=(_POLICY,), media_type=b"text/html; charset=utf-8")


async def read_page_style(call: Call[None, None]) -> Answer:
    """Give the page's style sheet."""
    del call
    return Answer(read_style(), media_type=b"text/css; charset=utf-8")


DOCUMENTATION: Final = (
    Operation(
        method="GET",
        path="/openapi.json",
        tag=Tag.SERVICE,
        summary="The OpenAPI document",
        handler=read_document,
        answers={200: bytes},
    ),
    Operation(
        method="GET",
        path="/docs",
        tag=Tag.SERVICE,
        summary="The documentation to read",
        handler=read_page,
        answers={200: bytes},
    ),
    Operation(
        method="GET",
        path="/docs.css",
        tag=Tag.SERVICE,
        summary="The style of the documentation",
        handler=read_page_style,
        answers={200: bytes},
    ),
)

"""The service: its doors, and the engine behind them."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl

import uvicorn
from directory import Directory, hash_key
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from gate import Answer, Question, decide, deny
from messages import Text, accept_text, refuse_text
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from tables import STANDING
from webhook import file_text, signature_matches

POOL = 16


def build_engine(url: str) -> AsyncEngine:
    """Connect as the database is best used: statements stay prepared, connections are pooled."""
    if url.startswith("sqlite"):
        engine = create_async_engine(url, pool_size=4, max_overflow=0)
        event.listen(engine.sync_engine, "connect", prepare_sqlite)
        return engine
    return create_async_engine(url, pool_size=POOL, max_overflow=0)


def prepare_sqlite(connection: Any, _record: Any) -> None:
    """Set a connection to SQLite up."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA cache_size=-16384")
    cursor.close()


def build_app(engine: AsyncEngine) -> FastAPI:
    """Put the service together."""
    app = FastAPI()
    directory = Directory(engine)
    _add_programs_doors(app, engine, directory)
    _add_carriers_door(app, engine, directory)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


def _add_programs_doors(app: FastAPI, engine: AsyncEngine, directory: Directory) -> None:
    # A question is one statement: it needs no BEGIN and no ROLLBACK around it.
    reading = engine.execution_options(isolation_level="AUTOCOMMIT")

    async def check_key(authorization: Annotated[str, Header()] = "") -> None:
        await directory.refresh()
        scheme, _, secret = authorization.partition(" ")
        if scheme != "Bearer" or hash_key(secret) not in directory.keys:
            raise HTTPException(401, "No valid API key. Send Authorization: Bearer KEY.")

    @app.post("/v1/check", dependencies=[Depends(check_key)])
    async def check(question: Question) -> Answer:
        now = datetime.now(UTC)
        brand = directory.senders.get(question.sender)
        if brand is None:
            return deny("unknown_sender", "sender/known", now)
        bindings = {"recipient": question.recipient, "sender": question.sender, "brand": brand}
        async with reading.connect() as connection:
            found = (await connection.execute(STANDING, bindings)).mappings().all()
        return decide(question, found, directory, now)

    @app.post("/v1/messages", dependencies=[Depends(check_key)])
    async def send(text: Text) -> JSONResponse:
        now = datetime.now(UTC)
        brand = directory.senders.get(text.sender, "")
        bindings = {"recipient": text.recipient, "sender": text.sender, "brand": brand}
        async with engine.begin() as connection:
            found = (await connection.execute(STANDING, bindings)).mappings().all()
            answer = decide(text, found, directory, now)
            if answer.decision == "allow":
                message = await accept_text(connection, text, now)
            else:
                message = await refuse_text(connection, text, answer, now)
        told = {"id": message, "decision": answer.model_dump(mode="json")}
        if answer.decision == "allow":
            return JSONResponse({**told, "status": "queued"}, 202)
        return JSONResponse({**told, "code": answer.reason, "detail": answer.detail}, 403)


def _add_carriers_door(app: FastAPI, engine: AsyncEngine, directory: Directory) -> None:
    @app.post("/carriers/{carrier}/inbound")
    async def receive(request: Request, carrier: str) -> Response:
        del carrier
        await directory.refresh()
        form = parse_qsl((await request.body()).decode(), keep_blank_values=True)
        fields = dict(form)
        token = directory.accounts.get(fields.get("AccountSid", ""))
        signature = request.headers.get("x-twilio-signature", "")
        if token is None or not signature_matches(token, str(request.url), form, signature):
            raise HTTPException(403, "The signature does not match. Check the account's token.")
        async with engine.begin() as connection:
            await file_text(connection, fields, datetime.now(UTC))
        return Response("<Response/>", media_type="text/xml")


def serve(url: str, port: int) -> None:
    """Serve until a signal comes."""
    app = build_app(build_engine(url))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)

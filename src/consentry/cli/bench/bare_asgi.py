"""The ceiling of everything over HTTP: uvicorn and a handler that does nothing but answer.

It reads the body and gives an answer of the size of the gate's, with no key, no parsing and none
of the product, on uvicorn as it comes.
"""

import json
import sys
from typing import Final

import uvicorn
from starlette.types import Receive, Scope, Send

from consentry.hosting import bind

_ANSWER: Final = b'{"answer":"%s"}' % (b"x" * 480)
_HEAD: Final = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(_ANSWER)).encode()),
    ],
}
_BODY: Final = {"type": "http.response.body", "body": _ANSWER}


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer anything."""
    del scope
    while (await receive()).get("more_body"):
        pass
    await send(_HEAD)
    await send(_BODY)


def main() -> None:
    """Serve until a signal comes."""
    listener = bind("127.0.0.1", 0)
    sys.stdout.write(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}) + "\n")
    sys.stdout.flush()
    config = uvicorn.Config(answer, lifespan="off", log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()

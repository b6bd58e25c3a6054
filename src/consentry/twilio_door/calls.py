"""One request at the door, as an operation sees it."""

from collections.abc import Awaitable, Callable

import msgspec
from starlette.types import Receive
from starlette.types import Scope as HTTPScope

from consentry.actions.find_account import Account
from consentry.domain.directory import Directory, Sender
from consentry.domain.entries import Actor, ActorKind
from consentry.ports import Scope
from consentry.twilio_door.exchange import Answer, Headers, read_form
from consentry.twilio_door.services import DoorServices
from consentry.wire.forms import Form
from consentry.wire.twilio_errors import refuse


class Call(msgspec.Struct, frozen=True, gc=False):
    """One request of an account; `rest` is the part of the path that names the resource."""

    services: DoorServices
    account: Account
    http: HTTPScope
    headers: Headers
    receive: Receive
    rest: str = ""

    @property
    def actor(self) -> Actor:
        """Who causes what is done here: the key, or the carrier account by whose token it came."""
        key = self.account.key
        return Actor(ActorKind.KEY, self.account.sid if key is None else key.id)

    def header(self, name: bytes) -> str | None:
        """Read a header by its name in lower case."""
        given = self.headers.get(name)
        return None if given is None else given.decode("latin-1")

    async def read_form(self) -> Form:
        """Read the body as a form; raises `FormError`, `ClientGone`."""
        return await read_form(self.headers, self.receive)

    def require(self, scope: Scope) -> None:
        """Refuse an account that may not do this."""
        if not self.account.may(scope):
            raise refuse(20003)

    def may_use(self, sender: Sender | None) -> bool:
        """Tell whether a sender is the account's: one of the carrier account, or any by our key."""
        carrier = self.account.carrier
        if carrier is None:
            return True
        return sender is not None and sender.carrier == carrier.id

    def list_senders(self, directory: Directory) -> list[Sender]:
        """List the account's senders."""
        return [sender for sender in directory.senders.values() if self.may_use(sender)]


Handler = Callable[[Call], Awaitable[Answer]]

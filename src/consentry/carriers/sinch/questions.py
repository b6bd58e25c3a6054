"""Questions to Sinch, whichever of its addresses they go to."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlencode

from consentry.carriers.shared.answers import read_list, require_good
from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.sinch.authorization import Authorization
from consentry.carriers.sinch.errors import read_refusal

if TYPE_CHECKING:
    import msgspec

_UNAUTHORIZED: Final = 401
_T = TypeVar("_T")


class Questions:
    """Asks and reads answers; all that goes wrong is `CarrierUnreachable`."""

    def __init__(self, authorization: Authorization, way_out: WayOut) -> None:
        """Ask under this authorization."""
        self._authorization = authorization
        self._way_out = way_out

    async def ask(
        self, address: str, wanted: Mapping[str, str], decoder: "msgspec.json.Decoder[_T]"
    ) -> _T:
        """GET an address with these parameters, and read the answer as the decoder's type."""
        headers = await self._authorization.write_headers()
        answer = await self._way_out.ask(f"{address}?{urlencode(wanted)}", headers=headers)
        if answer.status == _UNAUTHORIZED:
            self._authorization.forget()
        return read_list(decoder, require_good(answer, read_refusal), what="The carrier's list")

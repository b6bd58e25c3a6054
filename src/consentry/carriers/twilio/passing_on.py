"""Requests to Twilio that are not about messages, made once, in the account's own name."""

from typing import Final
from urllib.parse import quote

from consentry.carriers.shared.way_out import (
    WayOut,
    WayOutError,
    basic_authorization,
    read_header,
)
from consentry.carriers.twilio.outbound import find_login
from consentry.ports import CarrierAccount, CarrierUnreachable, PassedAnswer, PassedRequest
from consentry.wire.twilio_form import API_VERSION

_FORM: Final = "application/x-www-form-urlencoded"
_PLAIN: Final = "application/octet-stream"


class TwilioPassingOn:
    """Implements `ports.PassingOn`: bounded in time and size, following no redirect."""

    def __init__(self, way_out: WayOut | None = None) -> None:
        self._way_out = way_out or WayOut()

    async def pass_on(self, carrier: CarrierAccount, request: PassedRequest) -> PassedAnswer:
        """Make the request once; raises `CarrierUnreachable`."""
        headers = {"Authorization": basic_authorization(*find_login(carrier))}
        if request.form:
            headers["Content-Type"] = _FORM
        account = quote(carrier.account, safe="")
        url = f"{carrier.base_url.rstrip('/')}/{API_VERSION}/Accounts/{account}{request.rest}"
        try:
            answer = await self._way_out.send_once(
                request.method, url, headers=headers, body=request.form or None
            )
        except WayOutError as error:
            raise CarrierUnreachable(str(error)) from error
        return PassedAnswer(
            status=answer.status,
            body=answer.body,
            media_type=read_header(answer.headers, "Content-Type") or _PLAIN,
            location=read_header(answer.headers, "Location"),
        )

    async def close(self) -> None:
        """Close connections."""
        await self._way_out.close()

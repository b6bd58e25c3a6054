"""A Sinch service plan or project, and the carrier that is built from it."""

from typing import Final

from consentry.carriers.shared.http_carrier import HTTPCarrier
from consentry.carriers.shared.way_out import WayOut
from consentry.carriers.sinch.authorization import AccessKey, APIToken, Authorization
from consentry.carriers.sinch.block_list import SinchBlockList
from consentry.carriers.sinch.inbound import SinchWebhooks
from consentry.carriers.sinch.outbound import SinchREST
from consentry.carriers.sinch.questions import Questions
from consentry.ports import AccountField, CarrierAccount, CarrierKind

KIND: Final = "sinch"
AUTH_URL: Final = "https://auth.sinch.com"
CONSENTS_URL: Final = "https://us.conversation.api.sinch.com"


def build_sinch(account: CarrierAccount, callback_base: str) -> HTTPCarrier:
    """Build the carrier of a service plan, or of a project.

    `account.account` is the plan's id and `account.key_secret` its API token; with an
    `access_key` they are the project's id and the key's secret. `account.secret` signs webhooks.
    `account.base_url` names the region.
    """
    way_out = WayOut()
    authorization = _authorize(account, way_out)
    rest = SinchREST(
        account, callback_base=callback_base, authorization=authorization, way_out=way_out
    )
    return HTTPCarrier(
        account.id,
        KIND,
        webhooks=SinchWebhooks(account),
        requests=rest,
        history=rest,
        block_list=_build_block_list(account, Questions(authorization, way_out)),
    )


def _authorize(account: CarrierAccount, way_out: WayOut) -> Authorization:
    key, secret = account.more.get("access_key"), account.key_secret or ""
    if key is None:
        return APIToken(secret)
    url = account.more.get("auth_url") or AUTH_URL
    return AccessKey(key, secret, url=url, way_out=way_out)


def _build_block_list(account: CarrierAccount, questions: Questions) -> SinchBlockList | None:
    """Build the list of an app, which a plan's own token does not open."""
    app = account.more.get("app_id")
    if app is None or "access_key" not in account.more:
        return None
    url = account.more.get("consents_url") or CONSENTS_URL
    return SinchBlockList(url, project=account.account, app=app, questions=questions)


SINCH = CarrierKind(
    name=KIND,
    title="Sinch",
    base_url="https://us.sms.api.sinch.com",
    fields=(
        AccountField("account", "Service plan ID", "With an access key, the project's ID."),
        AccountField(
            "secret",
            "Webhook secret",
            "Signs what Sinch sends, so it must be right.",
            is_secret=True,
        ),
        AccountField(
            "key_secret", "API token", "With an access key, that key's secret.", is_secret=True
        ),
        AccountField(
            "access_key",
            "Access key ID",
            "Optional: to send in the name of a project and not of a service plan.",
            is_needed=False,
        ),
        AccountField(
            "app_id",
            "Conversation app ID",
            "Optional, with an access key: whose list of opt-outs is compared with ours.",
            is_needed=False,
        ),
        AccountField(
            "consents_url",
            "Address of the Conversation API",
            f"{CONSENTS_URL} if it is not given.",
            is_needed=False,
        ),
        AccountField(
            "auth_url",
            "Address that gives tokens",
            f"{AUTH_URL} if it is not given.",
            is_needed=False,
        ),
    ),
    where="In Sinch's dashboard, at SMS and then APIs: the service plan ID and its API token.",
    build=build_sinch,
)

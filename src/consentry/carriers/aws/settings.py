"""An account with AWS End User Messaging, and the carrier that is built from it."""

from typing import Final

from consentry.carriers.aws.block_list import AWSBlockList
from consentry.carriers.aws.certificates import SNSClient
from consentry.carriers.aws.inbound import AWSWebhooks
from consentry.carriers.aws.outbound import AWSRequests
from consentry.carriers.shared.http_carrier import HTTPCarrier
from consentry.carriers.shared.way_out import WayOut
from consentry.clock import SystemClock
from consentry.ports import AccountField, CarrierAccount, CarrierKind, Clock

KIND: Final = "aws"
_SNS_SECONDS: Final = 4.0
"""SNS gives up a webhook after 15 seconds; what signed it must be fetched before."""


def build_aws(
    account: CarrierAccount,
    _callback_base: str,
    way_out: WayOut | None = None,
    clock: Clock | None = None,
) -> HTTPCarrier:
    """Build the carrier of an account.

    `account.account` is the ARN of the SNS topic, `key_id` and `key_secret` an access key. Events
    come by the topic, so no address is given with a text.
    """
    sns = SNSClient(WayOut(total_seconds=_SNS_SECONDS, wait_seconds=0.2))
    requests = AWSRequests(
        account, way_out=way_out or WayOut(), sns=sns, clock=clock or SystemClock()
    )
    return HTTPCarrier(
        account.id,
        KIND,
        webhooks=AWSWebhooks(account, sns),
        requests=requests,
        block_list=AWSBlockList(requests),
        confirming=sns,
    )


AWS: Final = CarrierKind(
    name=KIND,
    title="AWS End User Messaging",
    base_url="https://sms-voice.REGION.amazonaws.com",
    fields=(
        AccountField("account", "ARN of the SNS topic", "It begins with arn:aws:sns:."),
        AccountField("key_id", "Access key ID", "It begins with AKIA."),
        AccountField("key_secret", "Secret access key", is_secret=True),
        AccountField(
            "configuration_set",
            "Configuration set",
            "Its event destination is the topic; without one no reports come.",
            is_needed=False,
        ),
        AccountField(
            "event_topic",
            "ARN of the topic for events",
            "Only where events go to another topic than texts.",
            is_needed=False,
        ),
        AccountField(
            "opt_out_list", "Opt-out list", "Its name, where it is not Default.", is_needed=False
        ),
        AccountField(
            "opt_in_keywords",
            "Keywords that opt in",
            "Those set to Opt-in at the numbers, with commas: START,UNSTOP.",
            is_needed=False,
        ),
        AccountField(
            "sns_base_url",
            "Address of SNS",
            "Only where something stands for SNS, as a simulator does.",
            is_needed=False,
        ),
    ),
    where="In the AWS console: the topic at SNS, the access key at IAM.",
    build=build_aws,
)

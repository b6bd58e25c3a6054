"""SMPP: posts nothing and takes no requests, so its table has none; see test_smpp_*.py."""

from carrier_table import CarrierTable

from consentry.carriers.smpp.settings import SMPP
from consentry.ports import CarrierAccount, WebhookRequest

ACCOUNT = CarrierAccount(
    id="main",
    kind="smpp",
    account="consentry",
    secret="fictiti",
    base_url="smpp://127.0.0.1:1",
    more={
        "vendor": "flowroute",
        "system_type": "WWW",
        "service_type": "CMT",
        "address_range": "^1415",
        "short_code": "6/0",
        "country_code": "1",
        "default_alphabet": "latin1",
        "message_ids": "hex",
        "opted_out_codes": "0x401,1110",
        "window": "20",
        "enquire_seconds": "45",
    },
)


def _as_it_is(request: WebhookRequest) -> WebhookRequest:
    return request


TABLE = CarrierTable(SMPP, ACCOUNT, sign=_as_it_is, forge=_as_it_is, posted=())

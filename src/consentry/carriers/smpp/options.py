"""What an account says of its SMSC's ways, read out of what was set; what is none is not used."""

import re
from typing import Final

from consentry.carriers.smpp.errors import VENDORS, Codes, Vendor
from consentry.carriers.smpp.inbound import InboxOptions
from consentry.carriers.smpp.link import LinkOptions
from consentry.carriers.smpp.outbound import SubmitOptions
from consentry.carriers.smpp.session import SessionLimits
from consentry.ports import CarrierAccount
from consentry.wire.smpp.requests import Address, Bind
from consentry.wire.smpp.texts import Default

_BASES: Final = {"hex": (16, 10), "decimal": (10, 16)}
_ALLOWED: Final = {
    "vendor": (re.compile("|".join(VENDORS)), f"one of {', '.join(VENDORS)}"),
    "default_alphabet": (re.compile("|".join(Default)), "gsm7 or latin1"),
    "message_ids": (re.compile("|".join(_BASES)), "hex or decimal"),
    "short_code": (re.compile(r"[0-6]/(?:[0-9]|1[0-8])"), "TON and NPI, such as 3/0"),
    "country_code": (re.compile(r"[1-9][0-9]{0,2}"), "digits alone, such as 1 or 44"),
    "window": (re.compile(r"[1-9][0-9]{0,2}"), "a number from 1 to 999"),
    "enquire_seconds": (re.compile(r"[1-9][0-9]{0,3}"), "a number from 1 to 9999"),
}


def list_wrong_options(account: CarrierAccount) -> list[str]:
    """List the options whose values are none, each with what may be written."""
    return [
        f"{name} is {account.more[name]!r} and is not used. Write {words}."
        for name, (pattern, words) in _ALLOWED.items()
        if account.more.get(name) and not pattern.fullmatch(account.more[name])
    ]


def read_link_options(account: CarrierAccount) -> LinkOptions:
    """Read out of an account where to bind, how, and how things are written there."""
    more, limits = account.more, SessionLimits()
    _, receipt_base = _BASES.get(_read(account, "message_ids"), (0, 0))
    return LinkOptions(
        url=account.base_url,
        bind=Bind(
            account.account,
            account.secret,
            more.get("system_type", ""),
            Address(more.get("address_range", "")),
        ),
        limits=SessionLimits(
            window=int(_read(account, "window") or limits.window),
            enquire_seconds=float(_read(account, "enquire_seconds") or limits.enquire_seconds),
        ),
        inbox=InboxOptions(
            country_code=_read(account, "country_code"),
            default=_read_default(account),
            codes=_read_codes(account),
            name_message=lambda written: name_message(written, receipt_base),
        ),
    )


def read_submit_options(account: CarrierAccount) -> SubmitOptions:
    """Read out of an account how texts are written there."""
    answer_base, _ = _BASES.get(_read(account, "message_ids"), (0, 0))
    return SubmitOptions(
        codes=_read_codes(account),
        default=_read_default(account),
        short_code=_read_short_code(account),
        name_message=lambda written: name_message(written, answer_base),
        service_type=account.more.get("service_type", ""),
    )


def name_message(written: str, base: int) -> str:
    """Give an id one form, where answers and receipts write the same number differently.

    `base` is how it is written here; 0: as it is.
    """
    if base:
        try:
            return str(int(written, base))
        except ValueError:
            return written
    return written


def _read(account: CarrierAccount, name: str) -> str:
    """Read an option; empty where it is not set, or is none."""
    value = account.more.get(name, "")
    return value if _ALLOWED[name][0].fullmatch(value) else ""


def _find_vendor(account: CarrierAccount) -> Vendor:
    return VENDORS[_read(account, "vendor") or "standard"]


def _read_short_code(account: CarrierAccount) -> tuple[int, int]:
    """Read kind and plan of short codes as they are written, `3/0`; else the vendor's."""
    ton, _, npi = _read(account, "short_code").partition("/")
    return (int(ton), int(npi)) if ton else _find_vendor(account).short_code


def _read_codes(account: CarrierAccount) -> Codes:
    return Codes(_find_vendor(account), account.more.get("opted_out_codes", ""))


def _read_default(account: CarrierAccount) -> Default:
    return Default(_read(account, "default_alphabet") or Default.GSM7)

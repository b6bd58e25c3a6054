"""What the codes of SMSCs mean: the standard's rows, and each vendor's own on top of them.

The standard has no code for "opted out", so that is a matter of vendors; an operator may name
further codes of theirs (`opted_out_codes`). A code that is in no table may pass, and says nothing
about anybody's consent.
"""

from datetime import date
from typing import Final

import msgspec

from consentry.carriers.shared.refusals import CodeRow, CodeTable, tabulate
from consentry.carriers.smpp.numbers import NETWORK
from consentry.ports import CarrierRefusal


def name_status(status: int) -> str:
    """Write a status as the specification and most vendors do: 0x0000000B."""
    return f"0x{status:08X}"


def _rows(meanings: dict[int, str]) -> dict[str, str]:
    return {name_status(status): meaning for status, meaning in meanings.items()}


STANDARD: Final = tabulate(
    "The SMSC",
    source="SMPP 3.4 issue 1.2, 5.1.3 (0x0101 and 0x0104: SMPP 5.0, 4.7.6)",
    checked_on=date(2026, 11, 30),
    opted_out={},
    passing=_rows(
        {
            0x02: "the length of the request is wrong",
            0x03: "the SMSC does not know the request",
            0x04: "the session is not bound for this",
            0x05: "the account is bound already",
            0x08: "an error inside the SMSC",
            0x0D: "binding failed",
            0x0E: "the password is wrong",
            0x0F: "the system id is wrong",
            0x14: "the SMSC's queue is full",
            0x45: "it could not be submitted",
            0x58: "too many texts at once",
            0x64: "the receiver cannot take it now",
            0x66: "the receiver rejects it",
            0xFE: "it could not be delivered",
            0xFF: "no reason is known",
        }
    ),
    permanent=_rows(
        {
            0x01: "the text is too long",
            0x06: "the priority is not valid",
            0x07: "receipts of this kind are not given",
            0x0A: "the sender is not valid",
            0x0B: "the recipient is not valid",
            0x15: "the service type is not valid",
            0x43: "the class of the message is not valid",
            0x48: "the sender's kind of number (TON) is not valid",
            0x49: "the sender's numbering plan (NPI) is not valid",
            0x50: "the recipient's kind of number (TON) is not valid",
            0x51: "the recipient's numbering plan (NPI) is not valid",
            0x53: "the system type is not valid",
            0x61: "the time of delivery is not valid",
            0x62: "the validity is not valid",
            0x65: "the receiver will never take it",
            0xC0: "an optional parameter is broken",
            0xC1: "an optional parameter is not allowed",
            0xC2: "the length of a parameter is wrong",
            0xC3: "a parameter is missing",
            0xC4: "the value of an optional parameter is wrong",
            0x101: "the account may not send this",
            0x104: "the alphabet is not taken",
        }
    ),
)
FLOWROUTE: Final = tabulate(
    "Flowroute",
    source="Flowroute's SMPP error codes, as the project's carrier specification names them",
    checked_on=date(2026, 11, 30),
    opted_out=_rows(
        {
            0x456: "the recipient has opted out of this sender",
            0x0B: "the recipient cannot be texted by this sender, or has opted out",
            0x45: "it was not taken: the recipient has opted out",
        }
    ),
    passing={},
    permanent={},
)


class Vendor(msgspec.Struct, frozen=True):
    """Who runs the SMSC. `short_code` is the TON and NPI that short codes have there."""

    title: str
    codes: CodeTable
    short_code: tuple[int, int] = (NETWORK, 0)


VENDORS: Final = {
    "standard": Vendor("any SMSC", STANDARD),
    "flowroute": Vendor("Flowroute", FLOWROUTE),
}


class Codes:
    """The codes of one account: its vendor's, the standard's, and those its operator named."""

    def __init__(self, vendor: Vendor, opted_out_codes: str) -> None:
        """`opted_out_codes`: with commas between; 0x… of answers, others of receipts (`err:`)."""
        self._vendor = vendor
        named = [code.strip() for code in opted_out_codes.split(",") if code.strip()]
        self._named = frozenset(map(_fold, named))

    def refuse(self, status: int, said: str = "") -> CarrierRefusal:
        """Write the refusal that an answer's status stands for."""
        code = name_status(status)
        table = self._vendor.codes if code in self._vendor.codes.rows else STANDARD
        if _fold(code) in self._named:
            row = CodeRow(code, True, True, "the recipient has opted out of this sender")
            table = msgspec.structs.replace(table, rows={code: row})
        return msgspec.structs.replace(table, title=self._vendor.codes.title).refuse(code, said)

    def is_opted_out(self, error: str | None) -> bool:
        """Tell whether the error of a receipt says that the recipient opted out."""
        return error is not None and _fold(error) in self._named


def _fold(code: str) -> str:
    """Compare codes without their leading zeros and in one case."""
    digits = code.lower()
    prefix = "0x" if digits.startswith("0x") else ""
    return prefix + digits[len(prefix) :].lstrip("0")

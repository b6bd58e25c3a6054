"""What SMSCs' codes mean: the standard's, a vendor's, and those an operator names."""

from pathlib import Path

import pytest

from consentry.carriers.smpp.errors import FLOWROUTE, STANDARD, VENDORS, Codes

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("vendor", "named", "status", "permanent", "opted_out"),
    [
        ("standard", "", 0x58, False, False),
        ("standard", "", 0x14, False, False),
        ("standard", "", 0x0B, True, False),
        ("standard", "", 0x45, False, False),
        ("standard", "", 0x456, False, False),
        ("standard", "0x456, 0x401", 0x456, True, True),
        ("standard", "0x00000401", 0x401, True, True),
        ("standard", "401", 0x401, False, False),
        ("flowroute", "", 0x456, True, True),
        ("flowroute", "", 0x0B, True, True),
        ("flowroute", "", 0x45, True, True),
        ("flowroute", "", 0x58, False, False),
        ("flowroute", "", 0x0A, True, False),
    ],
)
def test_a_code_means_this(
    vendor: str, named: str, status: int, *, permanent: bool, opted_out: bool
) -> None:
    """Throttling passes, an opt-out is for good, and what is unknown is neither."""
    refusal = Codes(VENDORS[vendor], named).refuse(status)
    assert (refusal.permanent, refusal.opted_out) == (permanent, opted_out)
    assert refusal.code == f"0x{status:08X}"
    assert refusal.text.startswith(VENDORS[vendor].codes.title)


def test_of_all_codes_there_are_only_those_listed_opt_anybody_out() -> None:
    """In 0x0000 to 0x0FFF and beyond, three of one vendor and none of the standard."""
    for name, expected in (("standard", set[int]()), ("flowroute", {0x456, 0x0B, 0x45})):
        codes = Codes(VENDORS[name], "")
        found = {s for s in [*range(1, 0x1000), 0xFFFFFFFF] if codes.refuse(s).opted_out}
        assert found == expected


def test_errors_of_receipts_opt_out_only_where_they_are_named() -> None:
    """With or without their zeros; a status is no error of a receipt."""
    codes = Codes(VENDORS["flowroute"], "0x77,1110,a5")
    assert [c for c in ("1110", "01110", "A5", "77", "0", None) if codes.is_opted_out(c)] == [
        "1110",
        "01110",
        "A5",
    ]


def test_every_row_says_where_it_was_read() -> None:
    """A table has its source and the day it was looked at."""
    for table in (STANDARD, FLOWROUTE):
        assert table.source
        assert table.checked_on.year == 2026


def test_the_page_for_operators_names_every_code_that_opts_out() -> None:
    """Each vendor's codes stand in the how-to, behind the vendor's name."""
    page = (Path(__file__).parents[2] / "docs/howto/carrier-smpp.md").read_text(encoding="utf-8")
    for name, vendor in VENDORS.items():
        codes = [row.code for row in vendor.codes.rows.values() if row.opted_out]
        row = next((line for line in page.splitlines() if line.startswith(f"| `{name}`")), "")
        missing = [code for code in codes if f"0x{int(code, 16):02X}" not in row]
        assert missing == []

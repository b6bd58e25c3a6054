"""What a program asks and says first passes the rules that every wording is held to."""

from datetime import date

import pytest

from consent_world import DIRECTORY, NEWS, PROMO
from consentry.actions.keep_templates import judge_wording
from consentry.domain.directory import Program
from consentry.domain.double_opt_in import word_confirmation, word_request
from consentry.domain.wording_lint import WordingKind

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("program", [NEWS, PROMO])
def test_our_own_wordings_of_a_program_have_no_fault(program: Program) -> None:
    """No error and no warning: brand, program, rates, HELP, STOP, one segment."""
    brand = DIRECTORY.brands[program.brand]
    for kind, body in (
        (WordingKind.OPT_IN_REQUEST, word_request(brand, program)),
        (WordingKind.PROGRAM_CONFIRMATION, word_confirmation(brand, program)),
    ):
        judged = judge_wording(kind, body, brand, today=date(2026, 12, 1), program=program.name)
        assert judged.findings == ()
        assert judged.size.segments == 1

"""How strong a consent is, and how strong it must be for what a text is for."""

from typing import Final

from consentry.domain.directory import Purpose
from consentry.domain.standing import ConsentLevel

STRENGTH: Final = {
    ConsentLevel.IMPLIED: 0,
    ConsentLevel.EXPRESS: 1,
    ConsentLevel.EXPRESS_WRITTEN: 2,
}
"""How strong a consent is beside another: implied < express < express_written."""
NEEDED_LEVEL: Final = {
    Purpose.CONVERSATIONAL: ConsentLevel.IMPLIED,
    Purpose.INFORMATIONAL: ConsentLevel.EXPRESS,
    Purpose.MARKETING: ConsentLevel.EXPRESS_WRITTEN,
}

"""Keyword campaigns: the word that people text to one of our numbers to ask for a program."""

import msgspec


class CampaignKeyword(msgspec.Struct, frozen=True, omit_defaults=True):
    """A word at a sender, and the program that who texts it is asked about.

    `word` is in capitals, as it is compared: the whole text, in any case. `call_to_action` is the
    id of what invites people to text it.
    """

    word: str
    sender: str
    program: str
    call_to_action: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What there is one of: a word at a sender."""
        return self.sender, self.word

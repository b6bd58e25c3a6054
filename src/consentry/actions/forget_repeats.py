"""What was erased is known by its hash for as long as carriers repeat it, and then forgotten."""

import msgspec

from consentry.ports import Change, Facts, Needs


class ForgetRepeats(msgspec.Struct, frozen=True):
    """Forget some of the erased texts that no carrier tells of any more."""

    def needs(self) -> Needs:
        """Ask for nothing."""
        return Needs()

    def decide(self, facts: Facts) -> tuple[None, Change]:
        """Forget them, where anybody was erased at all."""
        if not facts.directory.erased_keys:
            return None, Change()
        return None, Change(repeats_over=facts.now)

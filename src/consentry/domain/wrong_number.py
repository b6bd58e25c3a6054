"""The number is somebody else's than we thought, or its owner has died: who holds it is let alone.

Whoever holds the number now never consented, so what was given under it is withdrawn and marked
as not theirs to give, and the number goes on the do-not-text list of the brand. A START of theirs
is an opt-in of their own: it lifts the list for that sender and brings nothing else back.
"""

import msgspec

from consentry.domain.directory import Directory, Sender
from consentry.domain.intake import Told, decide_suppression
from consentry.domain.opting import Word
from consentry.domain.standing import Consent, Piece, Standing, Suppression


def disown(
    standing: Standing, sender: Sender, directory: Directory, word: Word, *, is_back: bool
) -> list[Piece]:
    """Suppress the number for the sender's brand, and mark its consents as not the subscriber's.

    `standing` has the opt-out done. `is_back`: a newer START of this sender stands already, so
    the list is lifted for it, and what is newer than the word is left. A sender of no brand, a
    number that is not set up here, has no list.
    """
    if not sender.brand:
        return []
    told = Told(at=word.since, entry=word.entry, cause=word.cause)
    listed = decide_suppression(standing, directory, scope=sender.brand, told=told)
    pieces: list[Piece] = []
    for piece in listed:
        if isinstance(piece, Suppression):
            lifted_for = (sender.number,) if is_back else ()
            pieces.append(msgspec.structs.replace(piece, lifted_for=lifted_for))
        elif isinstance(piece, Consent):
            if not _is_newer(standing.consent(piece.program), word):
                pieces.append(msgspec.structs.replace(piece, not_subscriber=True))
        elif not is_back:
            pieces.append(piece)
    return pieces


def _is_newer(known: Consent | None, word: Word) -> bool:
    """Tell a consent that was given after the word, by the carrier's own time of it."""
    return word.carrier_timed and known is not None and known.changed_at > word.at

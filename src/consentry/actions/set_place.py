"""Where a recipient is, told by somebody: a time zone, a postal code, or what the number tells."""

import msgspec

from consentry.domain.entries import Actor, Entry, EntryKind
from consentry.domain.rules.places import InvalidPlace, read_place
from consentry.domain.standing import Place
from consentry.ports import Change, Facts, Needs, Rejected


class SetPlace(msgspec.Struct, frozen=True):
    """Set the zone and the postal code of a recipient; both None lets the number tell again."""

    recipient: str
    by: Actor
    zone: str | None = None
    postal_code: str | None = None
    reason: str = ""

    def needs(self) -> Needs:
        """Ask for the standing."""
        return Needs(recipients=(self.recipient,))

    def decide(self, facts: Facts) -> tuple[Place, Change]:
        """Decide; the same place again changes nothing. Raises `Rejected` for what is none."""
        try:
            zone, postal_code = read_place(
                self.recipient, zone=self.zone, postal_code=self.postal_code
            )
        except InvalidPlace as error:
            raise Rejected("invalid_place", str(error), status=422) from error
        known = facts.standing(self.recipient).place or Place()
        if (known.zone, known.postal_code) == (zone, postal_code):
            return known, Change()
        entry_id = facts.ids.new("ent")
        place = Place(zone, postal_code, facts.now, entry_id)
        entry = Entry(
            id=entry_id,
            recipient=self.recipient,
            kind=EntryKind.PLACE_CHANGED,
            at=facts.now,
            recorded_at=facts.now,
            actor=self.by,
            text=", ".join(part for part in (zone, postal_code) if part) or "by its number",
            reason=self.reason or None,
            pieces=(place,),
        )
        return place, Change(entries=(entry,))

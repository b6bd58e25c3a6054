"""What of a registration follows from what is set up: how people agree, samples, keywords."""

import re
from typing import Final, assert_never

import msgspec

from consentry.domain.calls_to_action import CallMedium, CallToAction
from consentry.domain.contact_snippet import Offer, build_snippet, to_text
from consentry.domain.directory import Brand, Program, Sender
from consentry.domain.registration import PacketKind, Value
from consentry.domain.replies import fill_in
from consentry.domain.templates import Template
from consentry.domain.wording_lint import Finding, Level, WordingKind

SAMPLES_MAX: Final = 5
_UNDESCRIBED: Final = "Twilio errors 30909, 30917: each way to agree must be described"
_SAMPLED: Final = (WordingKind.CONVERSATIONAL, WordingKind.INFORMATIONAL, WordingKind.MARKETING)
_BLANK: Final = re.compile(r"\{([^{}\s]*)\}")
_HAS_LINK: Final = re.compile(r"https?://|(?<![\w@.-])(?:[a-z0-9-]+\.)+[a-z]{2,}/", re.IGNORECASE)
_HAS_PHONE: Final = re.compile(r"\+?\d[\d ().-]{6,}\d")
_OPT_IN_TYPES: Final = {
    CallMedium.WEB: "WEB_FORM",
    CallMedium.KEYWORD: "VIA_TEXT",
    CallMedium.PAPER: "PAPER_FORM",
    CallMedium.VERBAL: "VERBAL",
}


class Answers(msgspec.Struct, frozen=True):
    """What goes back to keywords on this sender, from us or from the carrier, and the keywords."""

    opt_in: str
    opt_out: str
    help: str
    opt_in_words: tuple[str, ...]
    opt_out_words: tuple[str, ...]
    help_words: tuple[str, ...]


class Known(msgspec.Struct, frozen=True):
    """All that is known of a sender: its programs, what people are shown, wordings, answers.

    `shown` is the number as people write it. `public_url` is where people reach this server.
    """

    sender: Sender
    brand: Brand
    programs: tuple[Program, ...]
    calls: tuple[CallToAction, ...]
    templates: tuple[Template, ...]
    answers: Answers
    shown: str
    public_url: str | None = None


def build_values(kind: PacketKind, known: Known) -> dict[str, Value]:
    """Make the values of a packet that follow from what is set up."""
    match kind:
        case PacketKind.TEN_DLC:
            return _build_10dlc(known)
        case PacketKind.TOLL_FREE:
            return _build_toll_free(known)
        case never:
            assert_never(never)


def _build_10dlc(known: Known) -> dict[str, Value]:
    samples, answers = list_samples(known), known.answers
    return {
        "Description": describe_use(known),
        "MessageFlow": describe_flow(known),
        "MessageSamples": samples,
        "HasEmbeddedLinks": any(map(_HAS_LINK.search, samples)) if samples else None,
        "HasEmbeddedPhone": any(map(_HAS_PHONE.search, samples)) if samples else None,
        "OptInMessage": answers.opt_in,
        "OptInKeywords": _list_opt_in_words(known),
        "OptOutMessage": answers.opt_out,
        "OptOutKeywords": answers.opt_out_words,
        "HelpMessage": answers.help,
        "HelpKeywords": answers.help_words,
    }


def _build_toll_free(known: Known) -> dict[str, Value]:
    samples, offer = list_samples(known), find_pages(known)
    return {
        "UseCaseSummary": describe_use(known),
        "ProductionMessageSample": samples[0] if samples else None,
        "OptInType": _OPT_IN_TYPES[known.calls[0].medium] if known.calls else "VIA_TEXT",
        "PrivacyPolicyUrl": offer.privacy,
        "TermsAndConditionsUrl": offer.terms,
        "OptInConfirmationMessage": known.answers.opt_in,
        "OptInKeywords": _list_opt_in_words(known),
        "HelpMessageSample": known.answers.help,
        "AdditionalInformation": describe_flow(known),
    }


def _list_opt_in_words(known: Known) -> tuple[str, ...]:
    """List what people text to agree: the words of campaigns first, then those to come back."""
    campaigns = (call.wording.keyword for call in known.calls)
    words = (*(word for word in campaigns if word), *known.answers.opt_in_words)
    return tuple(dict.fromkeys(words))


def find_pages(known: Known) -> Offer:
    """Find the addresses of terms and privacy policy: those of the first program that has them."""
    terms = next((p.terms_url for p in known.programs if p.terms_url), None)
    privacy = next((p.privacy_url for p in known.programs if p.privacy_url), None)
    return Offer(terms=terms, privacy=privacy)


def describe_use(known: Known) -> str:
    """Say what the texts are for, in the company's own words where it described its programs."""
    name = known.brand.name
    said = [f"{name} answers people who text {known.shown} first, about their questions."]
    for program in known.programs:
        about = f": {program.description}" if program.description else ""
        agreed = f"people who agreed to {program.name}{about}".rstrip(".")
        said.append(f"{name} sends {program.purpose} texts to {agreed}.")
    return " ".join(said)


def find_undescribed(known: Known) -> tuple[Finding, ...]:
    """Find programs that people agree to in a way that nobody has described."""
    described = {call.program for call in known.calls}
    return tuple(
        Finding(
            "program_without_call",
            Level.ERROR,
            f"How people agree to {program.name} is not described. Add a call to action for it.",
            _UNDESCRIBED,
        )
        for program in known.programs
        if program.id not in described
    )


def describe_flow(known: Known) -> str:
    """Describe each way in which people come to agree, with what they are shown, word for word."""
    ways = [_describe_call(call, known) for call in known.calls]
    return " ".join([*ways, _describe_first_text(known)])


def _describe_first_text(known: Known) -> str:
    snippet = build_snippet(known.sender, known.brand, find_pages(known), shown=known.shown)
    if snippet is None:
        return ""
    said = to_text(snippet).removeprefix(snippet.heading)
    shown = f"{snippet.heading}. {' '.join(said.split())}"
    return f'People text {known.shown} first; the number stands with these words: "{shown}"'


def _describe_call(call: CallToAction, known: Known) -> str:
    shown = " ".join(call.text.split())
    confirmed = "They are texted more only after they answered YES from that phone."
    match call.medium:
        case CallMedium.WEB:
            page = f"{known.public_url}/opt-in/{call.id}" if known.public_url else "a web page"
            how = f"On {page} people type in their number and tick a box that is empty at first"
        case CallMedium.KEYWORD:
            how = f"People text {call.wording.keyword or 'a word'} to {known.shown}, as told"
        case CallMedium.PAPER:
            how = "On a paper form people write their number and sign"
        case CallMedium.VERBAL:
            how = "People say yes after an agent has read to them"
        case never:
            assert_never(never)
    return f'{how}: "{shown}" {confirmed}'


def list_samples(known: Known) -> tuple[str, ...]:
    """List the company's wordings as samples; what its programs fill in stands in brackets."""
    kept = (t for t in known.templates if t.kind in _SAMPLED and t.deleted_at is None)
    filled = (fill_in(t.body, known.brand) for t in kept)
    return tuple(_BLANK.sub(r"[\1]", text) for text in filled)[:SAMPLES_MAX]

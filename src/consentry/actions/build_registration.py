"""A packet for registering a number with carriers: gathered, judged, and written as files."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from consentry.actions.receive_message import word_answer
from consentry.domain.call_to_action_words import words_of
from consentry.domain.calls_to_action import CallMedium, CallToAction
from consentry.domain.carrier_profiles import Profile, find_profile
from consentry.domain.contact_snippet import Snippet, build_snippet, to_html, to_text
from consentry.domain.directory import Directory, Program, Sender
from consentry.domain.double_opt_in import word_confirmation
from consentry.domain.gate import MessageKind
from consentry.domain.opt_in_picture import draw_form, draw_text
from consentry.domain.reading import CarrierWord, SenderKind
from consentry.domain.registration import (
    FIELDS,
    RULES,
    Packet,
    PacketKind,
    Value,
    fields_of,
    judge_packet,
    list_texts,
)
from consentry.domain.registration_values import (
    Answers,
    Known,
    build_values,
    find_pages,
    find_undescribed,
)
from consentry.ports import Rejected, Store

_KINDS: Final = {
    SenderKind.LONG_CODE: PacketKind.TEN_DLC,
    SenderKind.TOLL_FREE: PacketKind.TOLL_FREE,
}
_OUR_WORDS: Final = {
    CarrierWord.OPT_OUT: ("STOP", "UNSUBSCRIBE", "END", "QUIT", "CANCEL", "REVOKE", "OPTOUT"),
    CarrierWord.OPT_IN: ("START", "UNSTOP", "YES"),
    CarrierWord.HELP: ("HELP", "INFO"),
}
_CHECK: Final = (
    "- Check that every word is true of your company: how people agree is described as it is set "
    "up here. What differs you change with `--set`, for example `--set MessageFlow=…`."
)


class Registration(msgspec.Struct, frozen=True):
    """A packet with its files, by their names."""

    packet: Packet
    files: dict[str, str]


class Asked(msgspec.Struct, frozen=True):
    """Which number to register, with what only the company knows, by the fields' names.

    `shown` is the number as people write it; `public_url` is where people reach this server.
    """

    number: str
    shown: str
    given: Mapping[str, tuple[str, ...]] = {}
    public_url: str | None = None


def kind_for(sender: Sender) -> PacketKind | None:
    """Say which registration a sender needs; None where carriers ask for none of these."""
    return _KINDS.get(sender.kind)


async def build_registration(
    asked: Asked, store: Store, now: datetime, *, wanted: PacketKind | None = None
) -> Registration:
    """Gather what is known of a number, and build its packet.

    Raises `Rejected` for a number that is not set up or needs another packet than wanted, and for
    a given field that the packet has not.
    """
    directory = await store.read_directory()
    sender = directory.senders.get(asked.number)
    if sender is None:
        raise Rejected(
            "sender_not_set_up", f"{asked.number} is not set up. List the senders.", status=404
        )
    kind = kind_for(sender)
    if kind is None or wanted not in (None, kind):
        raise Rejected(
            "invalid_sender",
            f"{sender.number} is a {sender.kind.replace('_', ' ')}. Long codes are registered for "
            "10dlc, toll-free numbers for toll-free.",
            status=422,
        )
    given = read_given(kind, asked.given)
    accounts = {account.id: account.kind for account in await store.read_carriers()}
    known = Known(
        sender=sender,
        brand=directory.brand_of(sender),
        programs=_programs_of(sender, directory),
        calls=_calls_of(sender, directory),
        templates=tuple(t for t in await store.read_templates() if t.brand == sender.brand),
        answers=_gather_answers(sender, directory, accounts.get(sender.carrier, ""), now),
        shown=asked.shown,
        public_url=asked.public_url,
    )
    values = {**build_values(kind, known), **given}
    found = find_undescribed(known)
    packet = judge_packet(kind, sender.number, values, brand=known.brand.name, found=found)
    return Registration(packet, _write_files(packet, known))


def read_given(kind: PacketKind, given: Mapping[str, tuple[str, ...]]) -> dict[str, Value]:
    """Read fields that the company fills in itself; raises `Rejected` for one that is unknown."""
    rows = {row.name: row for row in fields_of(kind)}
    unknown = [name for name in given if name not in rows]
    if unknown:
        raise Rejected(
            "invalid_parameter",
            f"A {kind} packet has no field {unknown[0]!r}. It has: {', '.join(rows)}.",
            status=422,
        )
    return {name: texts if len(texts) > 1 else texts[0] for name, texts in given.items()}


def _programs_of(sender: Sender, directory: Directory) -> tuple[Program, ...]:
    return tuple(
        program
        for program in directory.programs.values()
        if program.enabled
        and program.brand == sender.brand
        and program.sender in (None, sender.number)
    )


def _calls_of(sender: Sender, directory: Directory) -> tuple[CallToAction, ...]:
    programs = {program.id for program in _programs_of(sender, directory)}
    return tuple(c for c in directory.calls_to_action.values() if c.program in programs)


def _gather_answers(sender: Sender, directory: Directory, carrier: str, now: datetime) -> Answers:
    """Find what really goes back: the carrier's words where it answers, else ours."""
    profile = find_profile(carrier, sender.kind, now)
    brand = directory.brand_of(sender)
    programs, first = _programs_of(sender, directory), MessageKind.INITIAL_REPLY
    opt_in = [word_confirmation(brand, program) for program in programs]
    ours = {
        CarrierWord.OPT_OUT: word_answer(MessageKind.OPT_OUT_CONFIRMATION, sender, brand),
        CarrierWord.HELP: word_answer(MessageKind.HELP_REPLY, sender, brand),
    }
    return Answers(
        opt_in=opt_in[0] if opt_in else word_answer(first, sender, brand),
        opt_out=_find_answer(profile, CarrierWord.OPT_OUT) or ours[CarrierWord.OPT_OUT],
        help=_find_answer(profile, CarrierWord.HELP) or ours[CarrierWord.HELP],
        opt_in_words=_find_words(profile, CarrierWord.OPT_IN),
        opt_out_words=_find_words(profile, CarrierWord.OPT_OUT),
        help_words=_find_words(profile, CarrierWord.HELP),
    )


def _find_answer(profile: Profile | None, word: CarrierWord) -> str | None:
    if profile is None or not profile.answers:
        return None
    rows = (row for row in profile.rows if row.word is word)
    answered = ((row.answer, row.texts[0].lower()) for row in rows)
    return next((answer.replace("{word}", said) for answer, said in answered if answer), None)


def _find_words(profile: Profile | None, word: CarrierWord) -> tuple[str, ...]:
    """List the keywords of a kind: the carrier's own where it has any, else ours."""
    rows = () if profile is None else profile.rows
    theirs = tuple(text for row in rows if row.word is word for text in row.texts)
    return theirs or _OUR_WORDS[word]


def _write_files(packet: Packet, known: Known) -> dict[str, str]:
    page, picture = _show_opt_in(known)
    return {
        "packet.json": _write_json(packet),
        "packet.md": _write_page(packet),
        "opt-in.html": page,
        "opt-in.svg": picture,
    }


def _write_json(packet: Packet) -> str:
    written = {**msgspec.to_builtins(packet), "editions": [FIELDS.version, RULES.version]}
    return msgspec.json.format(msgspec.json.encode(written), indent=2).decode() + "\n"


def _show_opt_in(known: Known) -> tuple[str, str]:
    """Write and draw what people see before they agree: the first web form, else the number."""
    web = next((call for call in known.calls if call.medium is CallMedium.WEB), None)
    words = None if web is None else words_of(web.locale)
    if web is not None and words is not None:
        picture = draw_form(web.wording.heading, web.text, field=words.phone, button=words.button)
        return _write_html(web.html), picture
    snippet = build_snippet(known.sender, known.brand, find_pages(known), shown=known.shown)
    return ("", "") if snippet is None else _show_number(snippet)


def _show_number(snippet: Snippet) -> tuple[str, str]:
    text = " ".join(to_text(snippet).removeprefix(snippet.heading).split())
    return _write_html(to_html(snippet)), draw_text(snippet.heading, text)


def _write_html(section: str) -> str:
    return f'<!doctype html>\n<meta charset="utf-8">\n<title>Opt-in</title>\n{section}'


def _write_page(packet: Packet) -> str:
    """Write the packet for people: what is to do, then each field."""
    lines = [f"# Registration of {packet.sender} ({packet.kind})", "", "## To do", ""]
    lines += [f"- Missing: `{one.field}`. {one.says}" for one in packet.missing]
    lines += [f"- {one.level.capitalize()}: {one.says} ({one.source})" for one in packet.findings]
    lines.append(_CHECK)
    lines += ["", "## Fields, as Twilio names them", ""]
    for name, value in packet.fields.items():
        lines += [f"### {name}", "", *_write_value(value), ""]
    lines += ["## The picture of the opt-in", "", _PICTURE, ""]
    return "\n".join(lines)


_PICTURE: Final = (
    "`opt-in.svg` is drawn from what people are shown, `opt-in.html` is that itself. Reviewers "
    "want a PNG or JPEG: open `opt-in.html`, or better the live page, in a browser and take a "
    "screenshot. Put it on your own site and give its address as `OptInImageUrls`."
)


def _write_value(value: Value) -> list[str]:
    if value in (None, ()):
        return ["(not filled in)"]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    texts = list_texts(value)
    return [f"> {text}" for text in texts] if len(texts) == 1 else [f"- {t}" for t in texts]

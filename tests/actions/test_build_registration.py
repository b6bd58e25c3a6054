"""A registration is gathered from what is set up, and written as files."""

import json

import msgspec
import pytest

from consent_world import DIRECTORY, LONG, PROMO, SHORT, TOLL_FREE
from consentry.actions.build_registration import Asked, build_registration
from consentry.domain.calls_to_action import CallMedium, CallToAction, Wording
from consentry.domain.directory import Directory
from consentry.domain.registration import PacketKind
from consentry.domain.templates import Template
from consentry.domain.wording_lint import WordingKind
from consentry.ports import CarrierAccount, Rejected
from memory_store import START, MemoryStore

pytestmark = pytest.mark.unit

CALL = CallToAction(
    "offers",
    1,
    PROMO.id,
    CallMedium.WEB,
    "en",
    Wording("Get our offers"),
    "I agree to offers from Acme.",
    "<section>I agree</section>",
    "",
    START,
)


def store(directory: Directory = DIRECTORY, *, kind: str = "twilio") -> MemoryStore:
    """A company with an account of a carrier, a wording, and one of another brand."""
    made = MemoryStore(directory)
    made.carriers["twilio-1"] = CarrierAccount("twilio-1", kind, "AC1", "s", "https://t.example")
    for brand, body in (("acme", "{brand}: 20% off. Reply STOP to opt out."), ("other", "no")):
        template = Template(brand, brand, "x", WordingKind.MARKETING, body, START, START)
        made.templates[brand] = template
    return made


async def test_a_long_code_is_registered_as_10dlc() -> None:
    """The carrier's own answers and keywords, the brand's wordings, and files for people."""
    asked = Asked(LONG.number, "+1 415 555 0100", {"UsAppToPersonUsecase": ("MARKETING",)})
    built = await build_registration(asked, store(), START, wanted=PacketKind.TEN_DLC)
    fields = built.packet.fields
    assert str(fields["OptOutMessage"]).startswith("You have successfully been unsubscribed.")
    assert fields["OptOutKeywords"][:2] == ("STOP", "STOPALL")  # type: ignore[index]
    assert fields["MessageSamples"] == ("Acme: 20% off. Reply STOP to opt out.",)
    assert fields["UsAppToPersonUsecase"] == "MARKETING"
    assert [one.field for one in built.packet.missing] == ["BrandRegistrationSid"]
    assert sorted(built.files) == ["opt-in.html", "opt-in.svg", "packet.json", "packet.md"]
    told = json.loads(built.files["packet.json"])
    assert told["fields"] == json.loads(msgspec.json.encode(fields))
    page = built.files["packet.md"]
    assert "- Missing: `BrandRegistrationSid`." in page
    assert "- Error: MessageFlow: It has no address of the terms" in page
    assert "> Acme: 20% off. Reply STOP to opt out." in page
    assert "### HasEmbeddedLinks\n\nfalse" in page
    assert "By texting this number" in built.files["opt-in.html"]
    assert "<svg" in built.files["opt-in.svg"]


async def test_where_the_carrier_does_not_answer_our_words_go_out() -> None:
    """On a carrier without keywords of its own, ours are registered."""
    built = await build_registration(Asked(LONG.number, "x"), store(kind="none"), START)
    fields = built.packet.fields
    assert fields["OptOutMessage"] == "Acme: you are opted out and will get no further messages."
    assert "contact help@acme.example" in str(fields["HelpMessage"])
    assert fields["HelpKeywords"] == ("HELP", "INFO")
    assert str(fields["OptInMessage"]).startswith("Acme: you get Deals now, ")
    alone = await build_registration(
        Asked(LONG.number, "x"), store(msgspec.structs.replace(DIRECTORY, programs={})), START
    )
    assert str(alone.packet.fields["OptInMessage"]).startswith("Thanks for texting Acme!")


async def test_a_toll_free_number_shows_its_opt_in_page() -> None:
    """The form people see is the picture; what is given several times is a list."""
    directory = msgspec.structs.replace(DIRECTORY, calls_to_action={CALL.id: CALL})
    given = {"OptInImageUrls": ("https://a.example/1.png", "https://a.example/2.png")}
    asked = Asked(TOLL_FREE.number, "x", given, "https://sms.example")
    built = await build_registration(asked, store(directory), START)
    assert built.packet.kind is PacketKind.TOLL_FREE
    assert built.packet.fields["OptInImageUrls"] == given["OptInImageUrls"]
    assert built.packet.fields["OptInType"] == "WEB_FORM"
    assert "https://sms.example/opt-in/offers" in str(built.packet.fields["AdditionalInformation"])
    assert "<section>I agree</section>" in built.files["opt-in.html"]
    assert "Get our offers" in built.files["opt-in.svg"]
    assert "- https://a.example/2.png" in built.files["packet.md"]


@pytest.mark.parametrize(
    ("sender", "wanted", "given", "code"),
    [
        ("+14155559999", None, {}, "sender_not_set_up"),
        (SHORT.number, None, {}, "invalid_sender"),
        (LONG.number, PacketKind.TOLL_FREE, {}, "invalid_sender"),
        (LONG.number, None, {"Nonsense": ("x",)}, "invalid_parameter"),
    ],
)
async def test_what_cannot_be_registered_is_refused(
    sender: str, wanted: PacketKind | None, given: dict[str, tuple[str, ...]], code: str
) -> None:
    """A number that is not there, one of another kind, a field that is none."""
    with pytest.raises(Rejected) as refused:
        await build_registration(Asked(sender, sender, given), store(), START, wanted=wanted)
    assert refused.value.code == code

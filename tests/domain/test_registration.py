"""Packets for registering a number: every field with its limits, every rule with its rejection."""

import pytest

from consentry.domain.registration import (
    FIELDS,
    RULES,
    Packet,
    PacketCheck,
    PacketKind,
    Value,
    fields_of,
    is_public,
    judge_packet,
)

pytestmark = pytest.mark.unit

FLOW = (
    "On https://acme.example/join people tick a box: I agree to text messages from Acme, up to 4 "
    "msgs/month. Message and data rates may apply. Reply STOP to stop, HELP for help. "
    "Terms: https://acme.example/terms. Privacy: https://acme.example/privacy"
)
GOOD: dict[PacketKind, dict[str, Value]] = {
    PacketKind.TEN_DLC: {
        "BrandRegistrationSid": "BN1",
        "Description": "Acme sends offers to people who agreed to get them.",
        "UsAppToPersonUsecase": "MARKETING",
        "MessageFlow": FLOW,
        "MessageSamples": ("Acme: 20% off on Friday. Reply STOP to opt out.",),
        "HasEmbeddedLinks": False,
        "HasEmbeddedPhone": False,
        "OptInMessage": "Acme: you get Offers. Reply STOP to opt out.",
        "OptOutMessage": "Acme: you will get no further messages.",
        "HelpMessage": "Acme: write to help@acme.example. Reply STOP to opt out.",
    },
    PacketKind.TOLL_FREE: {
        "BusinessName": "Acme Inc.",
        "BusinessWebsite": "https://acme.example",
        "BusinessRegistrationNumber": "12-3456789",
        "BusinessRegistrationAuthority": "EIN",
        "BusinessRegistrationCountry": "US",
        "NotificationEmail": "a@acme.example",
        "UseCaseCategories": ("MARKETING",),
        "UseCaseSummary": "Acme sends offers to people who agreed to get them.",
        "ProductionMessageSample": "Acme: 20% off on Friday. Reply STOP to opt out.",
        "OptInImageUrls": "https://acme.example/opt-in.png",
        "OptInType": "WEB_FORM",
        "MessageVolume": "1,000",
        "TollfreePhoneNumberSid": "PN1",
        "PrivacyPolicyUrl": "https://acme.example/privacy",
        "TermsAndConditionsUrl": "https://acme.example/terms",
        "AdditionalInformation": FLOW,
    },
}
TEN, FREE = PacketKind.TEN_DLC, PacketKind.TOLL_FREE


def judge(kind: PacketKind, **changes: Value) -> Packet:
    return judge_packet(kind, "+14155550100", {**GOOD[kind], **changes}, brand="Acme")


def rules(packet: Packet) -> list[str]:
    return [finding.rule for finding in packet.findings]


@pytest.mark.parametrize("kind", PacketKind)
def test_a_packet_with_everything_in_it_is_ready(kind: PacketKind) -> None:
    """Nothing is missing, nothing is found, and every field of its kind is there."""
    packet = judge(kind)
    assert (packet.missing, packet.findings) == ((), ())
    assert packet.is_ready
    assert list(packet.fields) == [row.name for row in fields_of(kind)]


def test_every_row_has_its_source_and_day() -> None:
    """Fields are named once in a packet, every check is used, and rules are about real fields."""
    for kind in PacketKind:
        names = [row.name for row in fields_of(kind)]
        assert len(set(names)) == len(names)
    names = {row.name for row in FIELDS.rows}
    assert {rule.check for rule in RULES.rows} == set(PacketCheck)
    for rule in RULES.rows:
        assert set(rule.fields) <= names
        assert rule.source
        assert rule.says.endswith(".")
    assert all(row.source and row.says.endswith(".") for row in FIELDS.rows)


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, row.name) for kind in PacketKind for row in fields_of(kind) if row.required],
)
def test_what_is_missing_is_listed_and_never_filled_in(kind: PacketKind, name: str) -> None:
    """Each required field, with what belongs there."""
    packet = judge(kind, **{name: None})
    assert [one.field for one in packet.missing] == [name]
    assert packet.fields[name] is None
    assert not packet.is_ready


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("Description", 40, 4096),
        ("MessageFlow", 40, 2048),
        ("OptInMessage", 20, 320),
        ("OptOutMessage", 20, 320),
        ("HelpMessage", 20, 320),
    ],
)
def test_lengths_are_as_the_carriers_take_them(name: str, least: int, most: int) -> None:
    """Both edges pass, one character beyond does not."""
    for length, is_fine in ((least - 1, False), (least, True), (most, True), (most + 1, False)):
        assert (f"size/{name}" not in rules(judge(TEN, **{name: "x" * length}))) is is_fine


def test_one_to_five_samples_of_20_to_1024_characters() -> None:
    """More, shorter and longer ones are errors."""
    sample = "Acme: 20% off. Reply STOP to opt out."
    for samples, is_fine in (
        ((sample,) * 5, True),
        ((sample,) * 6, False),
        ((sample, "x" * 19), False),
        ((sample, "x" * 1025), False),
    ):
        found = rules(judge(TEN, MessageSamples=samples))
        assert ("size/MessageSamples" not in found) is is_fine


@pytest.mark.parametrize(
    ("kind", "name", "value", "rule"),
    [
        (TEN, "MessageFlow", FLOW.replace("Acme", "We"), "flow_names_brand"),
        (TEN, "MessageFlow", FLOW.replace("agree", "want"), "flow_asks_to_agree"),
        (TEN, "MessageFlow", FLOW.replace("text messages", "news"), "flow_says_texts"),
        (TEN, "MessageFlow", FLOW.replace("msgs/month", "times"), "flow_says_frequency"),
        (TEN, "MessageFlow", FLOW.replace("data rates", "costs"), "flow_says_rates"),
        (TEN, "MessageFlow", FLOW.replace("STOP to stop, ", ""), "flow_says_stop"),
        (TEN, "MessageFlow", FLOW.replace("HELP for help", ""), "flow_says_help"),
        (TEN, "MessageFlow", FLOW.replace("https://acme.example/", ""), "flow_links_terms"),
        (
            TEN,
            "MessageFlow",
            FLOW.replace("acme.example/join", "127.0.0.1/"),
            "flow_page_is_public",
        ),
        (TEN, "MessageSamples", ("20% off. Reply STOP to end.",), "samples_name_brand"),
        (TEN, "MessageSamples", ("Acme: 20% off on Friday.",), "samples_say_stop"),
        (TEN, "OptOutMessage", "Acme: goodbye and thanks.", "opt_out_confirms"),
        (TEN, "HelpMessage", "Acme: reply STOP to opt out.", "help_has_contact"),
        (FREE, "OptInImageUrls", ("https://a.example/1", "http://a.example/2"), "public_pages"),
        (FREE, "PrivacyPolicyUrl", "https://localhost/privacy", "public_pages"),
        (FREE, "HelpMessageSample", "Acme: reply STOP to opt out.", "help_has_contact"),
    ],
)
def test_each_rejection_is_foreseen(kind: PacketKind, name: str, value: Value, rule: str) -> None:
    """One thing wrong gives one finding that names the field."""
    packet = judge(kind, **{name: value})
    assert rules(packet) == [rule]
    assert packet.findings[0].says.startswith(f"{name}: ")


def test_a_warning_does_not_keep_a_packet_back() -> None:
    """It is for the company to weigh."""
    assert judge(TEN, HelpMessage="Acme: reply STOP to opt out.").is_ready


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("https://acme.example/x", True),
        ("https://93.184.216.34/", True),
        ("http://acme.example", False),
        ("https://localhost", False),
        ("https://10.0.0.1", False),
        ("https://server.local/x", False),
        ("https://[x", False),
        ("acme.example", False),
    ],
)
def test_a_reviewer_opens_public_addresses_alone(link: str, expected: bool) -> None:
    """https, and a host that is not of one network."""
    assert is_public(link) is expected

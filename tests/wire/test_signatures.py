"""Signatures: Twilio's own vectors, and its validator as the judge of everything else."""

import hashlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator, get_signature_algorithm

from consentry.wire.signatures import (
    HashAlgorithm,
    read_algorithm,
    twilio_json_signature_matches,
    twilio_signature,
    twilio_signature_matches,
)

pytestmark = pytest.mark.property

TOKEN = "12345"
CALL_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
CALL_PARAMS = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675309"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
]
CALL_SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
params = st.lists(st.tuples(texts, texts), max_size=12)
hosts = st.sampled_from(["example.com", "a.example.org:8443", "127.0.0.1:8000", "x.test:443"])
urls = st.builds(
    lambda scheme, host, path, query: f"{scheme}://{host}/{path}{query}",
    st.sampled_from(["http", "https"]),
    hosts,
    st.sampled_from(["", "sms", "carriers/main/inbound", "a%20b/%C3%A9"]),
    st.sampled_from(["", "?foo=1&bar=2", "?q=a+b%2Bc"]),
)
algorithms = st.sampled_from(list(HashAlgorithm))


class Repeated(dict[str, list[str]]):
    """The multi-valued parameters the official validator understands."""

    def getall(self, name: str) -> list[str]:
        """Return every value of a name."""
        return self[name]


def grouped(pairs: list[tuple[str, str]]) -> Repeated:
    """Group pairs by name."""
    groups = Repeated()
    for name, value in pairs:
        groups.setdefault(name, []).append(value)
    return groups


def test_the_published_vector() -> None:
    """Twilio's documented example comes out exactly."""
    assert twilio_signature(TOKEN, CALL_URL, CALL_PARAMS) == CALL_SIGNATURE
    assert twilio_signature_matches(TOKEN, CALL_URL, CALL_PARAMS, CALL_SIGNATURE)


@given(token=texts, url=urls, pairs=params, algorithm=algorithms)
@example(TOKEN, CALL_URL, [("A", "2"), ("A", "1"), ("A", "2")], HashAlgorithm.HMAC_SHA1)
@settings(max_examples=300)
def test_it_signs_as_twilio_does(
    token: str, url: str, pairs: list[tuple[str, str]], algorithm: HashAlgorithm
) -> None:
    """For any parameters, repeated ones too, the signature equals the official one."""
    official = RequestValidator(token).compute_signature(url, grouped(pairs), algorithm)
    assert twilio_signature(token, url, pairs, algorithm=algorithm) == official


@given(token=texts, addresses=st.tuples(urls, urls), pairs=params, algorithm=algorithms)
@settings(max_examples=300)
def test_it_accepts_what_twilio_accepts(
    token: str,
    addresses: tuple[str, str],
    pairs: list[tuple[str, str]],
    algorithm: HashAlgorithm,
) -> None:
    """Both validators agree, whichever address was signed and whichever is checked."""
    url = addresses[0]
    header = f"key=shared,algorithm={algorithm}"
    validator = RequestValidator(token)
    for address in addresses:
        signature = validator.compute_signature(address, grouped(pairs), algorithm)
        official = validator.validate(
            url, grouped(pairs), signature, get_signature_algorithm(header)
        )
        ours = twilio_signature_matches(token, url, pairs, signature, settings_header=header)
        assert ours == official


@given(url=urls, pairs=params, forged=st.text(max_size=40))
@example(CALL_URL, CALL_PARAMS, "RSOYDt4T1cUTdK1PDd93/VVr8B8")
@example(CALL_URL, CALL_PARAMS, "\udcff")
def test_nothing_forged_passes(url: str, pairs: list[tuple[str, str]], forged: str) -> None:
    """A signature made without the token never matches, and never raises."""
    assert not twilio_signature_matches(TOKEN, url, pairs, forged)


@given(url=urls, pairs=params.filter(bool), data=st.data())
def test_any_change_breaks_the_signature(
    url: str, pairs: list[tuple[str, str]], data: st.DataObject
) -> None:
    """One value changed after signing is noticed."""
    signature = twilio_signature(TOKEN, url, pairs)
    index = data.draw(st.integers(0, len(pairs) - 1))
    name, value = pairs[index]
    changed = [*pairs[:index], (name, value + "!"), *pairs[index + 1 :]]
    if set(changed) != set(pairs):
        assert not twilio_signature_matches(TOKEN, url, changed, signature)


@pytest.mark.parametrize(
    ("configured", "signed"),
    [
        ("https://example.com/sms", "https://example.com:443/sms"),
        ("http://example.com/sms", "http://example.com:80/sms"),
        ("https://example.com:443/sms", "https://example.com/sms"),
        ("https://example.com/sms#rc=5&rp=ct,rt,5xx", "https://example.com/sms"),
        ("http://[::1]:8000/sms", "http://[::1]/sms"),
        ("https://example.com:port/sms", "https://example.com:port/sms"),
    ],
)
def test_port_and_fragment_do_not_matter(configured: str, signed: str) -> None:
    """The address matches with and without its port, and its fragment is never signed."""
    signature = twilio_signature(TOKEN, signed, CALL_PARAMS)
    assert twilio_signature_matches(TOKEN, configured, CALL_PARAMS, signature)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "key=k",
        "algorithm=",
        "key=k,algorithm=HMAC_SHA256",
        "algorithm = hmac_sha1",
        " algorithm=hmac_sha256 , key=k",
    ],
)
def test_the_settings_header_is_read_as_twilio_reads_it(header: str | None) -> None:
    """The chosen algorithm equals the official reading."""
    assert read_algorithm(header) == HashAlgorithm(get_signature_algorithm(header).upper())


def test_an_unknown_algorithm_is_refused() -> None:
    """A hash we do not know is no signature, even if the rest would match."""
    header = "key=k,algorithm=HMAC_MD5"
    assert read_algorithm(header) is None
    assert not twilio_signature_matches(
        TOKEN, CALL_URL, CALL_PARAMS, CALL_SIGNATURE, settings_header=header
    )


@given(body=st.text(st.characters(exclude_categories=["Cs"]), max_size=60), other=texts)
def test_a_json_body_is_covered_by_its_hash(body: str, other: str) -> None:
    """The address vouches for exactly one JSON body, as the official validator has it."""
    digest = hashlib.sha256(body.encode()).hexdigest()
    url = f"https://example.com/sms?bodySHA256={digest}"
    signature = twilio_signature(TOKEN, url)
    validator = RequestValidator(TOKEN)
    for candidate in (body, other):
        official = validator.validate(url, candidate, signature)
        assert official == (candidate == body)
        ours = twilio_json_signature_matches(TOKEN, url, candidate.encode(), signature)
        assert ours == official
    assert not twilio_json_signature_matches(TOKEN, url, body.encode(), "forged")


@pytest.mark.parametrize("url", ["https://example.com/sms?a=1", "https://[::1/sms?bodySHA256=0"])
def test_a_json_body_without_a_hash_is_never_trusted(url: str) -> None:
    """An address that does not name the body's hash, or is none, vouches for no body."""
    signature = twilio_signature(TOKEN, url)
    assert not twilio_json_signature_matches(TOKEN, url, b"{}", signature)

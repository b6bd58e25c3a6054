"""AWS Signature Version 4 against AWS's published requests, and against botocore."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from consentry.wire.sigv4 import SigningKey, sign_request

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
KEY = SigningKey("AKIDEXAMPLE", SECRET, "us-east-1", "service")
AT = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
URL = "https://example.amazonaws.com/"
SCOPE = "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.unit
@pytest.mark.parametrize(
    ("method", "url", "headers", "body", "names", "signature"),
    [
        (
            "GET", URL, {}, b"", "host;x-amz-date",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            "GET", f"{URL}?Param2=value2&Param1=value1", {}, b"", "host;x-amz-date",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        (
            "POST", URL, {}, b"", "host;x-amz-date",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        (
            "POST", URL, {"My-Header1": "value1"}, b"", "host;my-header1;x-amz-date",
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
        (
            "POST", URL, {"My-Header1": "VALUE1"}, b"", "host;my-header1;x-amz-date",
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        ),
        (
            "POST", URL, FORM, b"Param1=value1", "content-type;host;x-amz-date",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ],
)  # fmt: skip
def test_published_requests_have_their_signatures(
    *, method: str, url: str, headers: dict[str, str], body: bytes, names: str, signature: str
) -> None:
    """The requests of AWS's own test suite are signed as it says."""
    signed = sign_request(KEY, method, url, headers=headers, body=body, at=AT)
    assert signed["authorization"] == (
        f"AWS4-HMAC-SHA256 {SCOPE}, SignedHeaders={names}, Signature={signature}"
    )
    assert (signed["host"], signed["x-amz-date"]) == ("example.amazonaws.com", "20150830T123600Z")


@pytest.mark.property
@given(
    path=st.lists(
        st.text("abcXYZ019-_.~", min_size=1, max_size=5).filter(lambda p: p.strip(".")), max_size=3
    ),
    query=st.lists(
        st.tuples(st.text("abcXYZ019-_.~", min_size=1), st.text("abc019-_.~")), max_size=4
    ),
    value=st.text("abc XYZ", min_size=1, max_size=12).filter(str.strip),
    body=st.binary(max_size=40),
)
def test_botocore_signs_every_request_alike(
    path: list[str], query: list[tuple[str, str]], value: str, body: bytes
) -> None:
    """Whatever the path, the query, a header and the body are, AWS's own library agrees."""
    url = "https://sms-voice.eu-west-1.amazonaws.com/" + "/".join(path)
    if query:
        url += "?" + "&".join(f"{name}={text}" for name, text in query)
    request = AWSRequest("POST", url, headers={"X-Amz-Target": value}, data=body)
    credentials = Credentials("AKIDEXAMPLE", SECRET)
    theirs = SigV4Auth(credentials, "sms-voice", "eu-west-1")
    theirs.add_auth(request)
    stamp = request.context["timestamp"]
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    key = SigningKey("AKIDEXAMPLE", SECRET, "eu-west-1", "sms-voice")
    ours = sign_request(key, "POST", url, headers={"X-Amz-Target": value}, body=body, at=at)
    assert ours["authorization"] == request.headers["Authorization"]

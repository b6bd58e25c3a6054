"""Which addresses may be posted to: none that only this server can reach, however it is written."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.wire.public_address import (
    LOOPBACK,
    AddressRefused,
    PrivateNetworks,
    Target,
    check_address,
    check_all,
    is_public,
    read_address,
    read_networks,
    read_target,
)

NONE = PrivateNetworks()

REFUSED = [
    "0.0.0.0",  # noqa: S104 - nothing listens there
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.128.0.1",
    "172.32.0.1",
    "192.0.1.1",
    "192.169.0.1",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.unit
@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_public_is_refused(address: str) -> None:
    """Loopback, private and shared networks, metadata, multicast, and forms that hide these."""
    with pytest.raises(AddressRefused, match="CONSENTRY_WEBHOOK_PRIVATE_NETWORKS"):
        check_address(address, 443, NONE, needs_allowed=False)


@pytest.mark.unit
@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_may_be_posted_to_over_tls(address: str) -> None:
    """In plain only what the operator names."""
    check_address(address, 443, NONE, needs_allowed=False)
    with pytest.raises(AddressRefused, match="https"):
        check_address(address, 80, NONE, needs_allowed=True)


@pytest.mark.unit
def test_the_operator_names_networks_that_may_be_posted_to() -> None:
    """These alone, on any port, and in plain as well; by another form they are the same."""
    allowed = read_networks(" 10.1.0.0/16, fd00::/8 ,").join(LOOPBACK)
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "127.0.0.1", "::1"):
        check_address(address, 22, allowed, needs_allowed=True)
    for address in ("10.2.0.1", "192.168.0.1", "fc00::1"):
        with pytest.raises(AddressRefused):
            check_address(address, 443, allowed, needs_allowed=False)


@pytest.mark.unit
@pytest.mark.parametrize("text", ["10.0.0.1/8", "shop.example", "10.0.0.0/33"])
def test_a_network_that_is_none_is_said_so(text: str) -> None:
    """Bits behind the mask too: who wrote them meant something else."""
    with pytest.raises(ValueError, match=r"."):
        read_networks(text)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("port", "taken"),
    [(80, True), (443, True), (8443, True), (1024, True), (25, False), (0, False)],
)
def test_only_ports_of_the_web_are_posted_to(port: int, *, taken: bool) -> None:
    """And those that nobody has reserved."""
    if taken:
        check_address("8.8.8.8", port, NONE, needs_allowed=False)
        return
    with pytest.raises(AddressRefused, match="Port"):
        check_address("8.8.8.8", port, NONE, needs_allowed=False)


@pytest.mark.unit
def test_one_bad_address_of_a_name_is_enough() -> None:
    """A name that leads both outside and inside is not one to trust."""
    check_all(("8.8.8.8", "1.1.1.1"), 443, NONE, needs_allowed=False)
    with pytest.raises(AddressRefused):
        check_all(("8.8.8.8", "127.0.0.1"), 443, NONE, needs_allowed=False)
    with pytest.raises(AddressRefused, match="not an address"):
        check_address("shop.example", 443, NONE, needs_allowed=False)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://shop.example/a?b=c", Target("https", "shop.example", 443)),
        ("HTTPS://Shop.Example.", Target("https", "shop.example.", 443)),
        ("http://a_b.example:8080", Target("http", "a_b.example", 8080)),
        ("https://xn--bcher-kva.example", Target("https", "xn--bcher-kva.example", 443)),
        ("https://8.8.8.8", Target("https", "8.8.8.8", 443, "8.8.8.8")),
        (
            "https://[2606:4700::1111]:444/",
            Target("https", "2606:4700::1111", 444, "2606:4700::1111"),
        ),
        ("http://localhost", Target("http", "localhost", 80)),
    ],
)
def test_where_a_url_leads_is_read(url: str, target: Target) -> None:
    """A name, or an address in its one spelling."""
    assert read_target(url) == target


@pytest.mark.unit
@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://" + "a" * 2000,
        "shop.example",
        "ftp://shop.example",
        "https://",
        "https:///path",
        "https://user:pass@shop.example",
        "https://shop.example#part",
        "https://shop.example:99999",
        "https://shop .example",
        "https://shop.example/\n",
        "https://shop.example\\@127.0.0.1",
        "https://shöp.example",
        "https://１２７.0.0.1",  # noqa: RUF001 - it looks like an address, and that is the point
        "https://127.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.0x0.0x0.0x1",
        "https://017700000001",
        "https://0177.0.0.1",
        "https://127.0.0.1.",
        "https://1.2.3.4.5",
        "https://[::1",
        "https://[fe80::1%25eth0]",
        "https://[v1.a]",
        "https://-a.example",
        "https://a..example",
        "https://%31%32%37.0.0.1",
    ],
)
def test_a_url_that_could_be_read_in_two_ways_is_refused(url: str) -> None:
    """Other spellings of an address, names with a password, and what is no URL at all."""
    with pytest.raises(AddressRefused):
        read_target(url)


@pytest.mark.property
@given(st.ip_addresses(v=4))
def test_an_address_is_the_same_in_each_of_its_forms(address: IPv4Address) -> None:
    """As it is, mapped into IPv6, and behind NAT64."""
    mapped = IPv6Address(f"::ffff:{address}")
    translated = IPv6Address(int(IPv6Address("64:ff9b::")) | int(address))
    assert read_address(str(mapped)) == read_address(str(translated)) == address
    assert is_public(address) <= (address.is_global and not address.is_multicast)


@pytest.mark.property
@given(st.ip_addresses(v=6))
def test_of_ipv6_nothing_is_public_that_python_calls_otherwise(address: IPv6Address) -> None:
    """The table agrees with another one, and is stricter where they differ."""
    assert is_public(address) <= (address.is_global and not address.is_multicast)


@pytest.mark.property
@given(
    st.sampled_from(["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10"]),
    st.integers(min_value=0, max_value=2**32 - 1),
)
def test_no_address_of_a_private_network_gets_through(network: str, number: int) -> None:
    """Whichever it is."""
    held = IPv4Network(network)
    address = held[number % held.num_addresses]
    with pytest.raises(AddressRefused):
        check_address(str(address), 443, NONE, needs_allowed=False)
    assert ip_address(str(address)) in held
    assert IPv6Address("::1") not in IPv6Network("2000::/3")

"""Which addresses may be posted to: public ones, and networks that the operator names.

Whoever sets a webhook up could else have this server ask what only it can reach: its own
loopback, the machines beside it, a cloud's metadata. Source: IANA's registries of special-purpose
addresses, 2025; RFC 6052 (NAT64), RFC 3056 (6to4), RFC 6598 (shared addresses of carriers).
"""

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final
from urllib.parse import urlsplit

import msgspec

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_CHARACTERS_MAX: Final = 2000
PRIVILEGED_PORTS: Final = 1024
"""Below it only those of HTTP are posted to: behind the others are mail, files, databases."""

_HTTP_PORTS: Final = frozenset({80, 443})
_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_REFUSED: Final[tuple[Network, ...]] = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("169.254.0.0/16"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.0.2.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv4Network("224.0.0.0/3"),
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),
    IPv6Network("3fff::/20"),
)
"""Everything that is not public; of IPv6 what is within 2000::/3, as nothing outside it is."""


class AddressRefused(ValueError):
    """An address that nothing is posted to; str() says why and what to do, in one sentence."""


class Target(msgspec.Struct, frozen=True):
    """Where a URL leads: `address` is set where its host is one and no name."""

    scheme: str
    host: str
    port: int
    address: str | None = None


class PrivateNetworks(msgspec.Struct, frozen=True):
    """The networks that may be posted to although they are not public."""

    networks: tuple[str, ...] = ()

    def join(self, other: "PrivateNetworks") -> "PrivateNetworks":
        """Take the networks of both."""
        return PrivateNetworks(tuple(dict.fromkeys((*self.networks, *other.networks))))

    def hold(self, address: Address) -> bool:
        """Tell whether an address is in one of them."""
        return any(address in ip_network(network) for network in self.networks)


LOOPBACK: Final = PrivateNetworks(("127.0.0.0/8", "::1/128"))
"""Programs on this machine."""


def read_networks(text: str) -> PrivateNetworks:
    """Read networks with commas between them; raises `ValueError` for what is none."""
    named = [part.strip() for part in text.split(",") if part.strip()]
    return PrivateNetworks(tuple(str(ip_network(part)) for part in named))


def read_address(text: str) -> Address:
    """Read an address and see through the forms that stand for another; raises `ValueError`."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        if mapped is not None:
            return mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def is_public(address: Address) -> bool:
    """Tell an address of the internet from all others."""
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return not any(address in network for network in _REFUSED)


def check_address(text: str, port: int, allowed: PrivateNetworks, *, needs_allowed: bool) -> None:
    """Raise `AddressRefused` for an address or a port that nothing is posted to.

    `needs_allowed`: only what the operator names may be posted to, as without TLS.
    """
    try:
        address = read_address(text)
    except ValueError as error:
        raise AddressRefused(f"{text!r} is not an address.") from error
    if allowed.hold(address):
        return
    if not is_public(address):
        raise AddressRefused(
            f"{text} is not a public address. Where that is meant, its network must stand in "
            "CONSENTRY_WEBHOOK_PRIVATE_NETWORKS."
        )
    if needs_allowed:
        raise AddressRefused("Over the internet it must be an https:// URL.")
    if port < PRIVILEGED_PORTS and port not in _HTTP_PORTS:
        raise AddressRefused(
            f"Port {port} is not one of the web. Use 443, or one from {PRIVILEGED_PORTS} on."
        )


def read_target(url: str) -> Target:
    """Read where a URL leads, strictly; raises `AddressRefused`.

    Spellings that some read as an address and others as a name are refused: 0x7f.1, 2130706433.
    """
    if not 0 < len(url) <= URL_CHARACTERS_MAX:
        raise AddressRefused(f"A URL has 1 to {URL_CHARACTERS_MAX} characters.")
    if not url.isascii() or any(sign <= " " or sign in '\\"<>^`{|}\x7f' for sign in url):
        raise AddressRefused("A URL holds no spaces, quotes or letters beyond ASCII: escape them.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressRefused(f"This URL cannot be read: {error}.") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise AddressRefused("Give an https:// URL with a host.")
    if "@" in parts.netloc or parts.fragment:
        raise AddressRefused("A URL with a name and password or with a # part is not taken.")
    standard = 443 if parts.scheme == "https" else 80
    address = _find_address(host, is_bracketed="[" in parts.netloc)
    return Target(parts.scheme, host, standard if port is None else port, address)


def _find_address(host: str, *, is_bracketed: bool) -> str | None:
    """Find the address that a host is; None for a name. Raises `AddressRefused` for neither."""
    if is_bracketed or _ends_in_number(host):
        try:
            # A zone is a network card of this machine: there is nothing public behind it.
            return str(ip_address(host.replace("%", "?")))
        except ValueError as error:
            raise AddressRefused(f"{host!r} is neither an address nor a name.") from error
    if not all(_is_label(label) for label in host.removesuffix(".").split(".")):
        raise AddressRefused(f"{host!r} is neither an address nor a name.")
    return None


def _ends_in_number(host: str) -> bool:
    """Tell what URL parsers take for an IPv4 address, however it is spelled (WHATWG URL, 3.5)."""
    last = host.removesuffix(".").rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")


def _is_label(label: str) -> bool:
    inner = label.replace("-", "").replace("_", "")
    return 0 < len(label) <= 63 and inner.isalnum() and label.isascii() and label[0] != "-"


def check_all(
    addresses: Iterable[str], port: int, allowed: PrivateNetworks, *, needs_allowed: bool
) -> None:
    """Raise `AddressRefused` where one of a name's addresses is refused.

    A name that leads both outside and inside is not one to trust.
    """
    for address in addresses:
        check_address(address, port, allowed, needs_allowed=needs_allowed)

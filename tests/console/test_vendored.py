"""What the console serves of others: known, unchanged, free, and quiet."""

import hashlib
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

pytestmark = pytest.mark.unit

STATIC = Path(__file__).parents[2] / "src" / "consentry" / "console" / "static"
VENDOR = STATIC / "vendor"
OURS = {"VENDORED.toml", "LICENSES.txt"}
FREE = {"MIT", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "ISC", "Apache-2.0", "Bitstream-Vera"}
# An XML namespace is a name, not an address; nothing is fetched from it.
NAMESPACES = re.compile(r"http://www\.w3\.org/(1999/xhtml|2000/svg|1999/xlink)")
COMMENTS = re.compile(r"/\*.*?\*/|<!--.*?-->", re.DOTALL)
ADDRESSES = re.compile(r"""(?:https?|wss?):\\?/\\?/[^\s"'`)]*|\burl\(\s*["']?//[^)]*""")
SVG = "{http://www.w3.org/2000/svg}"


class Vendored(msgspec.Struct, forbid_unknown_fields=True):
    """One file of somebody else's, as VENDORED.toml tells it."""

    name: str
    package: str
    version: str
    licence: str
    file: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it lies."""
        return (VENDOR / self.name).resolve()


def listed() -> list[Vendored]:
    """Read the list."""
    told = tomllib.loads((VENDOR / "VENDORED.toml").read_text(encoding="utf-8"))
    return msgspec.convert(told["files"], list[Vendored])


LISTED = listed()
FONT_SUFFIX = ".ttf"
SERVED = [file for file in LISTED if file.path.suffix != FONT_SUFFIX]
each_served = pytest.mark.parametrize("vendored", SERVED, ids=[file.name for file in SERVED])
each_file = pytest.mark.parametrize("vendored", LISTED, ids=[file.name for file in LISTED])


def addresses(text: str) -> list[str]:
    """Find what a browser could be told to fetch, comments and namespaces left out."""
    return ADDRESSES.findall(NAMESPACES.sub("", COMMENTS.sub("", text)))


@each_file
def test_a_file_is_the_one_that_was_looked_at(vendored: Vendored) -> None:
    """Its hash is the listed one."""
    assert hashlib.sha256(vendored.path.read_bytes()).hexdigest() == vendored.sha256


def test_nothing_unlisted_lies_there() -> None:
    """Whatever is in the folder is listed, once."""
    there = {path for path in VENDOR.rglob("*") if path.is_file() and path.name not in OURS}
    here = [file.path for file in LISTED if file.path.is_relative_to(VENDOR.resolve())]
    assert sorted(here) == sorted(path.resolve() for path in there)


@each_served
def test_a_file_names_no_other_host(vendored: Vendored) -> None:
    """Nothing in it could be loaded from elsewhere at run time."""
    assert addresses(vendored.path.read_text(encoding="utf-8")) == []


@each_file
def test_a_licence_is_free_and_its_text_kept(vendored: Vendored) -> None:
    """Every licence permits use by anybody, and LICENSES.txt has its text under its heading."""
    assert set(vendored.licence.split(" AND ")) <= FREE
    heading = f"{vendored.package} {vendored.version} ({vendored.licence})"
    assert heading in (VENDOR / "LICENSES.txt").read_text(encoding="utf-8").splitlines()


def test_an_icon_takes_the_colour_of_the_words_beside_it() -> None:
    """Each symbol has a name, a view box and no style or colour of its own."""
    sprite = ET.fromstring((STATIC / "icons.svg").read_bytes())  # noqa: S314 - our own file
    symbols = list(sprite)
    names = [symbol.get("id") or "" for symbol in symbols]
    assert names == sorted(set(names))
    assert all(re.fullmatch(r"icon-[a-z0-9-]+", name) for name in names)
    for symbol in symbols:
        assert (symbol.tag, symbol.get("viewBox")) == (f"{SVG}symbol", "0 0 24 24")
        assert (symbol.get("stroke"), symbol.get("fill")) == ("currentColor", "none")
        drawn = [part for part in symbol.iter() if part is not symbol]
        assert drawn
        assert all("style" not in part.attrib for part in [symbol, *drawn])
        assert all(part.get("stroke") is None for part in drawn)


def test_the_check_for_hosts_catches_what_it_names() -> None:
    """A script's address and a stylesheet's are found; a comment's and a namespace are not."""
    assert addresses('fetch("https://a.example/x")') == ["https://a.example/x"]
    assert addresses("i{background:url(//a.example/i.png)}") == ["url(//a.example/i.png"]
    assert addresses('/*! https://a.example */"http://www.w3.org/2000/svg"') == []

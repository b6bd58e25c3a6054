"""verify.py: by Python's standard library alone it finds whatever differs, wherever it is."""

import hashlib
import io
import json
import random
import subprocess
import sys
import zipfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from consentry.evidence.verifier import check, proofs, write_verifier
from evidence_world import MemoryLedger, Story, find_path, hash_tree, open_store, prove_by
from memory_store import FakeClock

pytestmark = pytest.mark.unit

RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
            "f9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
            "f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098"
            "4dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3"
            "feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c664"
            "31e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
]
"""RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc)."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Make the bundle of the whole story, one entry of which is too young for the checkpoint."""
    return make_story_bundle(tmp_path_factory.mktemp("story") / "consentry.db")


def make_story_bundle(path: Path) -> bytes:
    """Tell the story on a database and make its bundle."""
    import asyncio  # noqa: PLC0415 - a loop of its own, for a fixture of the module

    async def make() -> bytes:
        clock = FakeClock()
        store = open_store(str(path), clock)
        try:
            await Story(store, clock).tell()
            ledger = MemoryLedger(store, young=1)
            return (await prove_by(ledger, store, clock)).content
        finally:
            await store.close()

    return asyncio.run(make())


@pytest.fixture
def folder(bundle: bytes, tmp_path: Path) -> Path:
    """Unpack the bundle."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as packed:
        assert packed.testzip() is None
        packed.extractall(tmp_path)
    return tmp_path


def problems(path: Path, **options: str) -> list[str]:
    """Check a zip or a folder, and list what is wrong."""
    given = {f"--{name}": value for name, value in options.items()}
    return check.verify(path, given).problems


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a verify.py with nothing but Python's standard library."""
    command = [sys.executable, "-I", "-S", str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_runs_by_python_alone(bundle: bytes, folder: Path) -> None:
    """The file in the bundle says GOOD of the folder that it lies in, and of the zip: exit 0."""
    packed = folder.parent / "kept.zip"
    packed.write_bytes(bundle)
    for told in (run(folder / "verify.py"), run(folder / "verify.py", str(packed))):
        assert (told.returncode, told.stderr) == (0, "")
        assert "VERDICT: GOOD" in told.stdout
        assert "1 entries are not covered by the checkpoint" in told.stdout
        assert "who holds the key" in told.stdout
    (folder / "evidence.html").write_text("changed")
    told = run(folder / "verify.py")
    assert (told.returncode, told.stderr) == (1, "")
    assert "VERDICT: WRONG" in told.stdout
    assert "evidence.html was changed" in told.stdout
    assert run(folder / "verify.py", "--what").returncode == 2


def test_it_needs_no_newer_python_than_it_says() -> None:
    """It is written in the language of Python 3.9, and imports the standard library alone."""
    import ast  # noqa: PLC0415 - only here

    tree = ast.parse(write_verifier(), feature_version=(3, 9))
    names = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_the_standard(key: str, message: str, signature: str) -> None:
    """RFC 8032's own vectors hold, and none of them with any one bit turned in its signature."""
    public, text, signed = map(bytes.fromhex, (key, message, signature))
    assert proofs.is_signed(public, text, signed)
    for bit in (0, 7, 255, 256, 300, 511):
        turned = bytearray(signed)
        turned[bit // 8] ^= 1 << bit % 8
        assert not proofs.is_signed(public, text, bytes(turned))
    # The same signature with its scalar beyond the order is another that old verifiers took.
    scalar = int.from_bytes(signed[32:], "little") + proofs.ORDER
    assert not proofs.is_signed(public, text, signed[:32] + scalar.to_bytes(32, "little"))
    assert not proofs.is_signed(public[:-1], text, signed)
    assert not proofs.is_signed(b"\xff" * 32, text, signed)


def test_paths_lead_to_the_root_and_trees_go_on_from_trees() -> None:
    """Inclusion and consistency hold for every place in trees of 1 to 20, and for no other leaf."""
    hashes = [proofs.hash_leaf(bytes([n])) for n in range(20)]
    for size in range(1, 21):
        root = hash_tree(hashes[:size])
        for leaf in range(size):
            path = find_path(leaf, hashes[:size])
            assert proofs.root_from(leaf, size, hashes[leaf], path) == root
            assert proofs.root_from(leaf, size, hashes[leaf - 1], path) != root or size == 1
            assert proofs.root_from(leaf, size, hashes[leaf], [*path, root]) is None
            if path:
                assert proofs.root_from(leaf, size, hashes[leaf], path[:-1]) is None
        for old in range(1, size + 1):
            goes_on = find_consistency(old, hashes[:size], whole=True)
            trees = (old, hash_tree(hashes[:old])), (size, root)
            assert proofs.is_consistent(*trees, goes_on)
            other = (old, proofs.hash_leaf(b"other"))
            assert not proofs.is_consistent(other, trees[1], goes_on)
            assert not proofs.is_consistent(*trees, [*goes_on, root])


def find_consistency(old: int, leaves: list[bytes], *, whole: bool) -> list[bytes]:
    """Find the proof that a tree goes on from a smaller one, by RFC 6962, section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [hash_tree(leaves)]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= half:
        return [*find_consistency(old, leaves[:half], whole=whole), hash_tree(leaves[half:])]
    rest = find_consistency(old - half, leaves[half:], whole=False)
    return [*rest, hash_tree(leaves[:half])]


@pytest.mark.property
def test_no_bit_of_the_zip_can_be_turned(bundle: bytes, tmp_path: Path) -> None:
    """Whichever it is: in headers, names, times, sizes, the list at the end, or any file's data."""
    path = tmp_path / "bundle.zip"
    dice = random.Random(7)
    for at in places_to_turn(bundle):
        turned = bytearray(bundle)
        turned[at] ^= 1 << dice.randrange(8)
        path.write_bytes(turned)
        assert problems(path), f"a bit of byte {at} was turned, and nobody saw it"


def places_to_turn(bundle: bytes) -> list[int]:
    """List places in the zip: many of its structure, and three of each file's data."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as packed:
        infos = packed.infolist()
        end = packed.start_dir
    places = list(range(end, len(bundle), 11))
    for info in infos:
        begin = info.header_offset + 30 + len(info.filename)
        places += range(info.header_offset, begin, 5)
        places += [begin, begin + info.compress_size // 2, begin + info.compress_size - 1]
    return sorted(set(places))


Change = Callable[[dict[str, bytes]], None]


def drop(files: dict[str, bytes]) -> None:
    """Leave a file out."""
    del files["gaps.json"]


def add(files: dict[str, bytes]) -> None:
    """Put another file in."""
    files["more.txt"] = b"more"


def rename(files: dict[str, bytes]) -> None:
    """Give a file another name."""
    files["gap.json"] = files.pop("gaps.json")


def exchange(files: dict[str, bytes]) -> None:
    """Put one file's content into another's place."""
    files["gaps.json"], files["policies.json"] = files["policies.json"], files["gaps.json"]


@pytest.mark.parametrize("change", [drop, add, rename, exchange])
def test_no_file_can_be_added_removed_or_renamed(
    bundle: bytes, tmp_path: Path, change: Change
) -> None:
    """In the zip as in the folder."""
    files = read_files(bundle)
    change(files)
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    assert problems(path)
    assert problems(unpack(files, tmp_path / "folder"))


def test_the_zip_holds_nothing_besides(bundle: bytes, tmp_path: Path) -> None:
    """Bytes before, behind, or as a comment of the zip are found; so is one that is cut short."""
    path = tmp_path / "bundle.zip"
    for other in (b"x" + bundle, bundle + b"x", bundle[:-1], bundle[:100], b"", b"PK\x03\x04"):
        path.write_bytes(other)
        assert problems(path)


def test_what_the_computer_put_there_is_passed_over(folder: Path) -> None:
    """A folder that was looked at on a Mac is as good as before."""
    (folder / ".DS_Store").write_bytes(b"\x00")
    assert problems(folder) == []
    (folder / "calls-to-action" / "other.html").write_text("other")
    assert problems(folder) == [
        "calls-to-action/other.html was added: it is not one of the files that were signed"
    ]


def read_files(bundle: bytes) -> dict[str, bytes]:
    """Read all files of a zip."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def unpack(files: dict[str, bytes], folder: Path) -> Path:
    """Write files into a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def resign(files: dict[str, bytes], secret: bytes = b"k" * 32) -> None:
    """Sign changed files anew, as only who has the key can."""
    manifest = json.loads(files["manifest.json"])
    for one in manifest["files"]:
        data = files[one["name"]]
        one |= {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    files["manifest.json"] = json.dumps(manifest).encode()
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    ledger = MemoryLedger(None, secret=secret)  # type: ignore[arg-type]
    signed = ledger.sign(f"{check.FORMAT}\nmanifest.json sha256:{digest}\n")
    files["manifest.sig"] = signed.encode()


def test_a_signed_bundle_must_agree_with_itself(bundle: bytes, tmp_path: Path) -> None:
    """Whoever has the key can sign another page, text or decision: it must be what entries say."""
    lies = {
        "evidence.html": (b">please stop texting me<", b">please go on<"),
        "messages.jsonl": (b'"body":"please stop texting me"', b'"body":"please go on"'),
        "decisions.jsonl": (b'"decision":"deny"', b'"decision":"allow"'),
        "entries.jsonl": (b'"text":"please stop texting me"', b'"text":"please go on"'),
        "calls-to-action/deals-1.html": (b"Acme", b"Other"),
    }
    for number, (name, (old, new)) in enumerate(lies.items()):
        files = read_files(bundle)
        assert old in files[name]
        files[name] = files[name].replace(old, new)
        resign(files)
        found = problems(unpack(files, tmp_path / str(number)))
        assert found, f"{name} was changed by who has the key, and nobody saw it"
        assert not any("was changed" in one for one in found)


def test_entries_cannot_change_places_or_be_left_out(bundle: bytes, tmp_path: Path) -> None:
    """A proof of another leaf, of none, and an entry of which nothing is said, are found."""

    def other_leaf(told: dict[str, list[dict[str, object]]]) -> None:
        told["proofs"][0]["leaf"] = 5

    def no_proof(told: dict[str, list[dict[str, object]]]) -> None:
        told["proofs"].pop()

    for number, change in enumerate((other_leaf, no_proof)):
        files = read_files(bundle)
        told = json.loads(files["proofs.json"])
        change(told)
        files["proofs.json"] = json.dumps(told).encode()
        resign(files)
        assert problems(unpack(files, tmp_path / str(number)))


def test_key_and_checkpoint_are_held_to_those_kept_elsewhere(folder: Path, tmp_path: Path) -> None:
    """The same key and checkpoint are good; others are told apart, and what is needed is said."""
    ledger = MemoryLedger(None)  # type: ignore[arg-type]
    assert problems(folder, key=ledger.key) == []
    (other,) = problems(folder, key=ledger.key.replace("consentry", "other"))
    assert "another key" in other
    note = (folder / "checkpoint.txt").read_text(encoding="utf-8")
    name, size, root = note.splitlines()[:3]
    kept = tmp_path.parent / "kept.txt"
    kept.write_text(note, encoding="utf-8")
    assert problems(folder, checkpoint=str(kept)) == []
    forged = b64encode(b"r" * 32).decode()
    kept.write_text(ledger.sign(f"{name}\n{size}\n{forged}\n"), encoding="utf-8")
    (rewritten,) = problems(folder, checkpoint=str(kept))
    assert "it was rewritten" in rewritten
    told = json.loads((folder / "proofs.json").read_text(encoding="utf-8"))
    leaves = [proofs.unbase64(one["leaf_hash"]) for one in told["proofs"]]
    assert hash_tree(leaves) == proofs.unbase64(root)
    older = b64encode(hash_tree(leaves[:5])).decode()
    kept.write_text(ledger.sign(f"{name}\n5\n{older}\n"), encoding="utf-8")
    told = run(folder / "verify.py", "--checkpoint", str(kept))
    assert told.returncode == 1
    assert "GET /v1/ledger/consistency?from=5&to=" in told.stdout
    assert "VERDICT: OPEN" in told.stdout
    way = [b64encode(one).decode() for one in find_consistency(5, leaves, whole=True)]
    proof = tmp_path.parent / "consistency.json"
    proof.write_text(json.dumps({"path": way}))
    assert problems(folder, checkpoint=str(kept), consistency=str(proof)) == []
    proof.write_text(json.dumps(way[:-1]))
    assert problems(folder, checkpoint=str(kept), consistency=str(proof))


def test_a_key_that_is_only_listed_vouches_for_nothing(bundle: bytes, tmp_path: Path) -> None:
    """Who forges a bundle lists the real key beside their own: with the real one it is WRONG.

    Where the real key signed the checkpoint and another one the rest, that is said: OPEN.
    """
    real, other = (MemoryLedger(None, secret=byte * 32) for byte in (b"k", b"o"))  # type: ignore[arg-type]
    files = read_files(bundle)
    files["ledger.pub"] = f"{other.key}\n{real.key}\n".encode()
    resign(files, b"o" * 32)
    newer = unpack(files, tmp_path / "newer")
    assert check.verify(newer, {"--key": other.key}).problems == []
    report = check.verify(newer, {"--key": real.key})
    (unshown,) = report.unshown
    assert report.problems == []
    assert "the rest is signed by another key" in unshown
    kept = tmp_path / "kept.txt"
    kept.write_bytes(files["checkpoint.txt"])
    (unshown,) = check.verify(newer, {"--checkpoint": str(kept)}).unshown
    assert "signed by another key than this bundle" in unshown
    given = {"--checkpoint": str(kept), "--key": other.key}
    assert check.verify(newer, given).unshown == []

    text = files["checkpoint.txt"].decode().rpartition("\n\n")[0] + "\n"
    files["checkpoint.txt"] = other.sign(text).encode()
    resign(files, b"o" * 32)
    (forged,) = problems(unpack(files, tmp_path / "forged"), key=real.key)
    assert "another key than the one you gave" in forged

    files["ledger.pub"] = f"{real.key}\n{other.key}\n".encode()
    resign(files, b"o" * 32)
    assert problems(unpack(files, tmp_path / "first"), key=real.key)


STRANGE = {
    "entries.jsonl": (b"{}\n", b"\xff\n", b'{"leaf":1,"salt":null,"entry":[]}\n', b'{"leaf":'),
    "proofs.json": (b"[]", b"{}", b'{"proofs":[1],"not_covered":[]}', b"[" * 200_000),
    "messages.jsonl": (b"1\n", b"{}\n", b"\n"),
    "decisions.jsonl": (b"null\n", b"{}\n"),
    "calls-to-action.json": (b"{", b"[{}]", b"7"),
    "checkpoint.txt": (
        b"\xff",
        b"\n\n",
        b"a\n\n\xe2\x80\x94 b c\n",
        b"consentry.local/ledger\n1\n",
    ),
    "evidence.html": (b"\xff", b'<a data-entry="x" data-field="id">y</a>'),
    "ledger.pub": (b"", b"a+b+c", b"\xff", b"+" * 9),
}


def test_no_file_makes_it_fall_over(bundle: bytes, tmp_path: Path) -> None:
    """Whatever a file holds, signed or not, it is WRONG and never an error of the program."""
    for name, contents in STRANGE.items():
        for number, content in enumerate(contents):
            files = read_files(bundle) | {name: content}
            resign(files)
            assert problems(unpack(files, tmp_path / f"{name}-{number}")), (name, content[:40])
    for name, content in (
        ("manifest.json", b"[]"),
        ("manifest.json", b"{}"),
        ("manifest.sig", b""),
    ):
        files = read_files(bundle) | {name: content}
        assert problems(unpack(files, tmp_path / f"{name}-{len(content)}"))

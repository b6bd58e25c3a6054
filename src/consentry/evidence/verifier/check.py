"""Check an evidence bundle. It needs Python 3.9 or newer, and nothing else.

    python3 verify.py                  in the folder that the bundle was unpacked to
    python3 verify.py BUNDLE.zip       the bundle as it came
    python3 verify.py --key KEY        the key must be this one, which you have from elsewhere
    python3 verify.py --checkpoint FILE [--consistency FILE]
                                       the ledger must agree with a checkpoint kept elsewhere

It ends with 0 where everything agrees, with 1 where anything does not or cannot be shown, and with
2 where it was called wrongly. Whoever doubts the copy of this file in a bundle takes the project's.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from consentry.evidence.verifier.proofs import (
    Key,
    Wrong,
    hash_leaf,
    is_consistent,
    is_note_of,
    open_note,
    read_checkpoint,
    root_from,
    unbase64,
)
from consentry.evidence.verifier.zips import Member, split_zip, write_zip

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
FORMAT = "consentry evidence bundle 1"
SYSTEM_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}


class Report:
    """What was found; every check adds a line."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.unshown: list[str] = []
        self.lines: list[str] = []

    def good(self, line: str) -> None:
        """Note a check that came out well."""
        self.lines.append(f"  ok     {line}")

    def note(self, line: str) -> None:
        """Note what is no fault and should be known."""
        self.lines.append(f"  note   {line}")

    def unsure(self, line: str) -> None:
        """Note what you asked for and what cannot be told from what there is."""
        self.unshown.append(line)
        self.lines.append(f"  ?      {line}")

    def wrong(self, line: str) -> None:
        """Note what does not agree."""
        self.problems.append(line)
        self.lines.append(f"  WRONG  {line}")


class Bundle:
    """The files of a bundle by their names, and the zip that they came in, if any."""

    def __init__(self, files: dict[str, bytes], members: list[Member], whole: bytes) -> None:
        self.files, self.members, self.whole = files, members, whole
        try:
            self.manifest: dict[str, Any] = json.loads(files[MANIFEST])
            self.made_at = str(self.manifest["made_at"])
            self.listed: list[dict[str, Any]] = list(self.manifest["files"])
            self.names = [str(one["name"]) for one in self.listed]
        except KeyError as error:
            raise Wrong(f"{MANIFEST} or a part of it is missing: {error}") from None
        except (ValueError, TypeError):
            raise Wrong(f"{MANIFEST} cannot be read") from None

    def json(self, name: str) -> Any:
        """Read a file that is JSON; raises Wrong."""
        try:
            return json.loads(self.files[name])
        except KeyError:
            raise Wrong(f"{name} is missing") from None
        except ValueError:
            raise Wrong(f"{name} is not JSON") from None

    def lines(self, name: str) -> list[bytes]:
        """Read a file of lines; raises Wrong."""
        if name not in self.files:
            raise Wrong(f"{name} is missing")
        return self.files[name].split(b"\n")[:-1]


def open_bundle(path: Path, report: Report) -> Bundle:
    """Read a zip, or the folder that it was unpacked to; raises Wrong."""
    if path.is_file():
        whole = path.read_bytes()
        members = split_zip(whole)
        files = {one.name.decode("ascii", "replace"): one.data for one in members}
        if len(files) != len(members):
            raise Wrong("a file is in the zip twice")
        return Bundle(files, members, whole)
    found = {file.relative_to(path).as_posix(): file for file in path.rglob("*") if file.is_file()}
    passed = sorted(name for name, file in found.items() if file.name in SYSTEM_FILES)
    for name in passed:
        report.note(f"{name} was put there by your computer, and is passed over")
    return Bundle({n: f.read_bytes() for n, f in found.items() if n not in passed}, [], b"")


def check_files(bundle: Bundle, report: Report) -> None:
    """Hold every file to the manifest, and the zip to the one way that it can be written."""
    before = len(report.problems)
    for one in bundle.listed:
        name, data = str(one["name"]), bundle.files.get(str(one["name"]))
        if data is None:
            report.wrong(f"{name} is missing")
        elif len(data) != one.get("size") or hashlib.sha256(data).hexdigest() != one.get("sha256"):
            report.wrong(f"{name} was changed: it is not the file that was signed")
    for name in bundle.files:
        if name not in (*bundle.names, MANIFEST, SIGNATURE):
            report.wrong(f"{name} was added: it is not one of the files that were signed")
    if len(report.problems) == before:
        report.good(f"{len(bundle.names)} files are as the manifest lists them")
    if bundle.members:
        check_zip(bundle, report)


def check_zip(bundle: Bundle, report: Report) -> None:
    """Hold the zip itself to the manifest."""
    before = len(report.problems)
    packed = {one["name"]: one.get("packed_sha256") for one in bundle.listed}
    for member in bundle.members:
        name = member.name.decode("ascii", "replace")
        digest = hashlib.sha256(member.packed).hexdigest()
        if name in packed and digest != packed[name]:
            report.wrong(f"{name} is packed otherwise than it was")
        if name not in packed and member.method != 0:
            report.wrong(f"{name} is packed, and must not be")
    names = [one.name.decode("ascii", "replace") for one in bundle.members]
    if names != [*bundle.names, MANIFEST, SIGNATURE]:
        report.wrong("the files of the zip are not in their order")
    if write_zip(bundle.members, bundle.made_at) != bundle.whole:
        report.wrong("the zip was changed between or behind its files")
    if len(report.problems) == before:
        report.good("the zip holds these files and not a byte more")


def check_manifest(bundle: Bundle, keys: list[Key], report: Report) -> None:
    """Check who signed the manifest."""
    if not keys:
        raise Wrong("ledger.pub is missing or empty: there is no key to check with")
    digest = hashlib.sha256(bundle.files[MANIFEST]).hexdigest()
    # The first key alone: others that are listed signed older checkpoints, and not this.
    text = open_note(bundle.files.get(SIGNATURE, b""), keys[:1])
    if text != f"{FORMAT}\n{MANIFEST} sha256:{digest}\n":
        raise Wrong("it signs another manifest")
    report.good(f"the manifest is signed by {keys[0].name}, key {keys[0].hash}")


class Entries:
    """The ledger's entries of a bundle, by id."""

    def __init__(self, bundle: Bundle) -> None:
        self.raw: dict[str, tuple[bytes, bytes]] = {}
        self.by_id: dict[str, dict[str, Any]] = {}
        for number, line in enumerate(bundle.lines("entries.jsonl"), 1):
            found = re.fullmatch(rb'\{"leaf":(\d+|null),"salt":(null|"[^"]*"),"entry":(.*)\}', line)
            if found is None:
                raise Wrong(f"entries.jsonl: line {number} cannot be read")
            salt = b"" if found[2] == b"null" else unbase64(found[2].decode("ascii")[1:-1])
            entry = json.loads(found[3])
            self.raw[entry["id"]] = (salt, found[3])
            self.by_id[entry["id"]] = entry


def check_ledger(bundle: Bundle, entries: Entries, keys: list[Key], report: Report) -> None:
    """Check that the ledger's tree holds each entry, and that its root is signed."""
    note = bundle.files.get("checkpoint.txt", b"")
    if not note:
        report.note("there is no checkpoint in it: nothing proves that the ledger is whole")
        return
    size, root = read_checkpoint(open_note(note, keys))
    report.good(f"the checkpoint is signed: a ledger of {size:,} entries")
    if "checkpoint.tsr" in bundle.files:
        report.note(
            "an authority's timestamp is in checkpoint.tsr; README.txt says how to check it"
        )
    proofs = bundle.json("proofs.json")
    for proof in proofs["proofs"]:
        check_proof(proof, entries, (size, root), report)
    proved = {proof["entry"] for proof in proofs["proofs"]}
    missing = set(entries.raw) - proved
    if missing != set(proofs["not_covered"]):
        report.wrong("entries without a proof are not the ones that the bundle names as such")
    report.good(f"{len(proved):,} entries were held to that checkpoint")
    if missing:
        report.note(f"{len(missing):,} entries are not covered by the checkpoint")


def check_proof(
    proof: dict[str, Any], entries: Entries, tree: tuple[int, bytes], report: Report
) -> None:
    """Check one entry's leaf, and its way to the root."""
    name, leaf_hash = proof["entry"], unbase64(proof["leaf_hash"])
    held = entries.raw.get(name)
    if held is not None and hash_leaf(held[0] + held[1]) != leaf_hash:
        report.wrong(f"entry {name} is not the one in the ledger: its hash differs")
    path = [unbase64(one) for one in proof["path"]]
    if root_from(proof["leaf"], tree[0], leaf_hash, path) != tree[1]:
        report.wrong(f"entry {name} is not proved to be in the ledger")


def find_field(entry: dict[str, Any], path: str) -> Any:
    """Find a value in an entry by its path, a.b.c; None where there is none."""
    found: Any = entry
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


class Page(HTMLParser):
    """Reads from the page what it repeats of entries: data-entry, data-field and the text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.told: list[tuple[str, str, str]] = []
        self._open: tuple[str, str, str] | None = None
        self._value: str | None = None
        self._text: list[str] = []

    # typing.override comes with Python 3.12.
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # type: ignore[explicit-override]
        """Begin to listen where an element repeats a field."""
        named = dict(attrs)
        if named.get("data-entry") and named.get("data-field"):
            self._open = (tag, named["data-entry"] or "", named["data-field"] or "")
            self._text, self._value = [], named.get("data-value")

    def handle_data(self, data: str) -> None:  # type: ignore[explicit-override]
        """Keep what is written in it."""
        self._text.append(data)

    def handle_endtag(self, tag: str) -> None:  # type: ignore[explicit-override]
        """Note what it said."""
        if self._open is not None and self._open[0] == tag:
            text = "".join(self._text) if self._value is None else self._value
            self.told.append((*self._open[1:], text))
            self._open = None


def check_repeats(bundle: Bundle, entries: Entries, report: Report) -> None:
    """Check that what other files repeat of the entries is what the entries say."""
    before = len(report.problems)
    for told in map(json.loads, bundle.lines("decisions.jsonl")):
        entry = entries.by_id.get(told.pop("entry"), {})
        if any(entry.get(name) != value for name, value in told.items()):
            report.wrong("decisions.jsonl tells of an entry what is not in it")
    check_texts(bundle, entries, report)
    page = Page()
    page.feed(bundle.files.get("evidence.html", b"").decode())
    for name, field, said in page.told:
        if str(find_field(entries.by_id.get(name, {}), field)) != said:
            report.wrong(f"evidence.html: {field} of entry {name} is not what the entry says")
    if len(report.problems) == before:
        count = len(entries.by_id)
        report.good(f"texts, decisions and the page agree with the {count:,} entries")


def check_texts(bundle: Bundle, entries: Entries, report: Report) -> None:
    """Check that texts are the ones that entries are about."""
    texts = {one["id"]: one for one in map(json.loads, bundle.lines("messages.jsonl"))}
    for name, entry in entries.by_id.items():
        text = texts.get(entry.get("message", ""))
        if text is not None and not is_text_of(text, entry):
            report.wrong(f"messages.jsonl: text {text['id']} is not what entry {name} says")


def is_text_of(text: dict[str, Any], entry: dict[str, Any]) -> bool:
    """Tell whether a text is the one that an entry is about; one that came in has its words."""
    if text["recipient"] != entry["recipient"] or text["sender"] != entry.get("sender"):
        return False
    has_words = "legal_reading" in entry and "text" in entry and text["direction"] == "inbound"
    return not has_words or bool(text["body"] == entry["text"])


def check_calls(bundle: Bundle, entries: Entries, report: Report) -> None:
    """Check that what people were shown is what the entries name by its SHA-256."""
    shown = {
        hashlib.sha256(data).hexdigest(): name
        for name, data in bundle.files.items()
        if name.startswith("calls-to-action/")
    }
    calls = bundle.json("calls-to-action.json")
    for call in calls:
        if shown.get(call["sha256"]) != call["file"]:
            report.wrong(f"{call['file']} is not the HTML whose hash is listed")
    named = {
        find_field(entry, "evidence.call_to_action_sha256") for entry in entries.by_id.values()
    }
    found = len(named & set(shown))
    if found:
        report.good(f"{found} of the calls to action are the HTML that consents name by its hash")


def check_elsewhere(
    bundle: Bundle, options: dict[str, str], keys: list[Key], report: Report
) -> None:
    """Hold key and checkpoint against what was kept elsewhere."""
    if "--key" in options:
        check_key(bundle, options["--key"].strip(), keys, report)
    if "--checkpoint" in options:
        note = Path(options["--checkpoint"]).read_bytes()
        kept = read_checkpoint(open_note(note, keys))
        if "--key" not in options and not is_note_of(note, keys[0]):
            report.unsure(
                "the checkpoint you gave is signed by another key than this bundle. Give the key "
                "that you know too, with --key"
            )
        here = read_checkpoint(open_note(bundle.files.get("checkpoint.txt", b""), keys))
        old, new = sorted([kept, here])
        compare_checkpoints(old, new, options.get("--consistency"), report)


def check_key(bundle: Bundle, given: str, keys: list[Key], report: Report) -> None:
    """Hold the key that signed the bundle to the one that you have; raises Wrong.

    That yours is listed among its keys is nothing: whoever makes a bundle can list any.
    """
    if given == keys[0].text:
        report.good("the key is the one you gave")
        return
    note = bundle.files.get("checkpoint.txt", b"")
    if not any(is_note_of(note, key) for key in keys if key.text == given):
        raise Wrong("the bundle was signed by another key than the one you gave")
    report.unsure(
        "the key you gave signed the checkpoint, so the entries that are proved are in your "
        f"ledger; the rest is signed by another key, {keys[0].name}+{keys[0].hash}. Ask whoever "
        "keeps the ledger whether that one came after yours"
    )


def compare_checkpoints(
    old: tuple[int, bytes], new: tuple[int, bytes], proof: str | None, report: Report
) -> None:
    """Hold two checkpoints against each other; raises Wrong where they are of other ledgers."""
    path = []
    if proof is not None:
        told = json.loads(Path(proof).read_text(encoding="utf-8"))
        hashes = told["path"] if isinstance(told, dict) else told
        path = [unbase64(one) for one in hashes]
    elif old[0] != new[0]:
        report.unsure(
            f"the checkpoints are of {old[0]} and {new[0]} entries. Get the proof that one goes on "
            f"from the other (GET /v1/ledger/consistency?from={old[0]}&to={new[0]}), and give it "
            "with --consistency"
        )
        return
    if not is_consistent(old, new, path):
        raise Wrong("the ledger is not the one of the checkpoint you gave: it was rewritten")
    report.good("the ledger agrees with the checkpoint you gave")


def verify(path: Path, options: dict[str, str]) -> Report:
    """Check everything."""
    report = Report()
    try:
        bundle = open_bundle(path, report)
        check_files(bundle, report)
        told = bundle.files.get("ledger.pub", b"").decode("ascii", "replace").splitlines()
        keys = [Key(line) for line in told]
        check_manifest(bundle, keys, report)
        if report.problems:
            return report
        entries = Entries(bundle)
        check_ledger(bundle, entries, keys, report)
        check_repeats(bundle, entries, report)
        check_calls(bundle, entries, report)
        check_elsewhere(bundle, options, keys, report)
    except Wrong as error:
        report.wrong(str(error))
    except Exception as error:  # noqa: BLE001 - whatever a file does that is not as it must be
        report.wrong(f"a file is not as it must be ({type(error).__name__}: {error})")
    return report


CANNOT = """
What this cannot show: who holds the key. Whoever has both the key and the database could have
written another ledger and signed that. So compare the key (--key) and a checkpoint (--checkpoint)
with ones that were published, or kept by somebody else, before there was a dispute. Nor can it
show that what never reached the ledger did not happen; gaps.json lists what is known to be missing.
"""


def read_arguments(arguments: list[str]) -> tuple[Path, dict[str, str]] | None:
    """Read the command line; None where it cannot be."""
    options: dict[str, str] = {}
    paths = []
    rest = list(arguments)
    while rest:
        one = rest.pop(0)
        if one in ("--key", "--checkpoint", "--consistency") and rest:
            options[one] = rest.pop(0)
        elif one.startswith("-"):
            return None
        else:
            paths.append(Path(one))
    if len(paths) > 1:
        return None
    return (paths[0] if paths else Path(__file__).resolve().parent), options


def main(arguments: list[str]) -> int:
    """Check the bundle that is named, and say what was found."""
    asked = read_arguments(arguments)
    if asked is None or not asked[0].exists():
        sys.stdout.write(__doc__ or "")
        return 2
    report = verify(*asked)
    sys.stdout.write("\n".join([f"Evidence bundle {asked[0]}", *report.lines, ""]))
    if report.problems:
        count = len(report.problems)
        of = "1 problem" if count == 1 else f"{count} problems"
        sys.stdout.write(f"\nVERDICT: WRONG. Do not rely on this bundle ({of}).\n")
        return 1
    if report.unshown:
        sys.stdout.write("\nVERDICT: OPEN. Nothing was changed, but not all you asked is shown.\n")
        return 1
    sys.stdout.write("\nVERDICT: GOOD. Nothing was changed since it was signed.\n" + CANNOT)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

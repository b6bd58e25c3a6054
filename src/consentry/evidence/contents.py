"""The files of a bundle that programs read: lines and values of JSON."""

from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256

import msgspec

from consentry.domain.evidence.case import Case, name_calls
from consentry.domain.evidence.gaps import Gap
from consentry.domain.evidence.proved import Proved
from consentry.evidence.gathering import Gathered, Kept

_REPEATED = ("kind", "recorded_at", "actor", "sender", "program", "message", "reason")


def encode64(data: bytes) -> str:
    """Write bytes as base64."""
    return b64encode(data).decode("ascii")


def write_json(value: object) -> bytes:
    """Write a value for programs, and for who looks into it."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def write_entries(entries: Iterable[Kept], proved: Proved) -> bytes:
    """Write the ledger's rows as they were hashed, each with its leaf and its salt beside it."""
    lines = []
    for kept in entries:
        leaf = proved.leaves.get(kept.entry.id)
        place, salt = "null", "null"
        if leaf is not None:
            place = str(leaf.leaf)
            salt = "null" if leaf.salt is None else f'"{encode64(leaf.salt)}"'
        lines.append(f'{{"leaf":{place},"salt":{salt},"entry":'.encode() + kept.value + b"}\n")
    return b"".join(lines)


def write_decisions(entries: Iterable[Kept]) -> bytes:
    """Write what the gate was asked and what it answered, as the entries have it."""
    lines = []
    for kept in entries:
        if kept.entry.decision is None:
            continue
        value = msgspec.json.decode(kept.value)
        told = {"entry": kept.entry.id}
        told |= {name: value[name] for name in (*_REPEATED, "request", "decision") if name in value}
        lines.append(msgspec.json.encode(told) + b"\n")
    return b"".join(lines)


def write_messages(case: Case) -> bytes:
    """Write every text with the person's local time, its receipts and the entries about it."""
    about: dict[str, list[str]] = {}
    for entry in case.material.entries:
        if entry.message is not None:
            about.setdefault(entry.message, []).append(entry.id)
    lines = []
    for line in case.log:
        if line.message is None:
            continue
        told = msgspec.to_builtins(line.message)
        # Where a program of the company is told is no part of it.
        del told["callback"]
        told["local_time"] = {
            "earliest": line.local.earliest,
            "latest": line.local.latest,
            "zones": line.local.zones,
            "known_by": line.local.by,
        }
        told["receipts"] = line.receipts
        told["entries"] = about.get(line.message.id, [])
        lines.append(msgspec.json.encode(told) + b"\n")
    return b"".join(lines)


def write_policies(case: Case) -> bytes:
    """Write the policies in force, as the ledger recorded them."""
    return write_json(case.policies)


def name_file(version_id: str) -> str:
    """Name the file of a version of a call to action."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in version_id)
    return f"calls-to-action/{safe}.html"


def write_calls(gathered: Gathered) -> tuple[dict[str, bytes], bytes]:
    """Write each version exactly as it was shown, and a list of them with their hashes."""
    pages, listed = {}, []
    named = name_calls(kept.entry for kept in gathered.entries)
    for version, call in gathered.calls.items():
        page, file = call.html.encode(), name_file(version)
        pages[file] = page
        listed.append(
            {
                "version": version,
                "file": file,
                "sha256": sha256(page).hexdigest(),
                "named_sha256": named.get(version),
                "program": call.program,
                "medium": call.medium,
                "locale": call.locale,
                "text": call.text,
                "made_at": call.created_at,
                "made_by": call.made_by,
            }
        )
    return pages, write_json(listed)


def write_proofs(gathered: Gathered, proved: Proved) -> bytes:
    """Write the way from each entry to the root that the checkpoint signs."""
    proofs = [
        {
            "entry": kept.entry.id,
            "leaf": leaf.leaf,
            "leaf_hash": encode64(leaf.leaf_hash),
            "path": [encode64(one) for one in leaf.path],
        }
        for kept in gathered.entries
        if (leaf := proved.leaves.get(kept.entry.id)) is not None
    ]
    rest = [k.entry.id for k in gathered.entries if k.entry.id not in proved.leaves]
    return write_json({"size": proved.size, "proofs": proofs, "not_covered": rest})


def write_gaps(gaps: tuple[Gap, ...]) -> bytes:
    """Write what is missing."""
    return write_json(gaps)

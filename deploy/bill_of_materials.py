"""Writes what is in an installation, as CycloneDX: libraries as locked, and files of others."""

import re
import tomllib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

ROOT: Final = Path(__file__).parents[1]
_LOCKED: Final = re.compile(
    r"^([A-Za-z0-9_.-]+)(?:\[.*?\])?==([^\s;]+)([^\n]*\n(?:    .*\n)*)", re.MULTILINE
)
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_LICENCES: Final = LicenseFactory()


def write_bill(file: Path, seconds: int) -> None:
    """Write the bill; the same commit, made at `seconds` since 1970, gives the same bytes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    product = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        description=project["description"],
        licenses=[_LICENCES.make_from_string(project["license"])],
        bom_ref="consentry",
    )
    parts = [*read_libraries(ROOT / "requirements-image.lock"), *read_assets()]
    bill = Bom(
        components=parts,
        metadata=BomMetaData(component=product, timestamp=datetime.fromtimestamp(seconds, UTC)),
        serial_number=uuid.uuid5(uuid.NAMESPACE_OID, f"consentry {project['version']} {seconds}"),
    )
    bill.register_dependency(product, parts)
    file.write_text(JsonV1Dot6(bill).output_as_string(indent=1) + "\n", encoding="utf-8")


def read_libraries(lock: Path) -> Iterator[Component]:
    """Read the locked libraries: which version, under what licence, with which hashes.

    One version has many files, for other systems; the hash of each is a property.
    """
    for name, version, rest in _LOCKED.findall(lock.read_text(encoding="utf-8")):
        yield Component(
            name=name,
            version=version,
            type=ComponentType.LIBRARY,
            licenses=read_licences(name),
            purl=PackageURL("pypi", name=name.lower(), version=version),
            bom_ref=f"library:{name}",
            properties=[Property(name="file:sha256", value=hash_) for hash_ in _HASH.findall(rest)],
        )


def read_licences(name: str) -> list[License]:
    """Tell a library's licences as it tells them itself; none where it is not installed here."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return []
    if told["License-Expression"]:
        return [_LICENCES.make_from_string(told["License-Expression"])]
    classifiers = [line for line in told.get_all("Classifier", []) if line.startswith("License")]
    names = [line.rpartition(" :: ")[2] for line in classifiers]
    return [_LICENCES.make_with_name(name) for name in names or [told["License"] or "unknown"]]


def read_assets() -> Iterator[Component]:
    """Read the lists of files that are somebody else's and that we serve."""
    for vendored in sorted((ROOT / "src").rglob("VENDORED.toml")):
        for assets in tomllib.loads(vendored.read_text(encoding="utf-8")).values():
            for asset in assets:
                yield Component(
                    name=asset["name"],
                    version=asset["version"],
                    type=ComponentType.FILE,
                    description=f"of {asset['package']}",
                    licenses=[_LICENCES.make_from_string(asset["licence"])],
                    hashes=[HashType(alg=HashAlgorithm.SHA_256, content=asset["sha256"])],
                    bom_ref=f"asset:{asset['name']}",
                )

"""Sets the paper in a process of its own: `python -m consentry.evidence.typesetting`.

typst keeps what it computed for as long as its process lives, 80 MB for each paper. So it gets one
that ends: what is to be drawn comes in as JSON, and the PDF goes out.
"""

import subprocess
import sys
from datetime import datetime
from importlib.resources import as_file, files

import msgspec

_SECONDS_MAX = 300
_FOLDER = "consentry.evidence"


class Paper(msgspec.Struct, frozen=True):
    """What is drawn: the values that `paper.typ` reads, and the time that the PDF is dated with."""

    case: dict[str, object]
    made_at: datetime


def typeset(paper: Paper) -> bytes:
    """Set a paper; raises `RuntimeError` where that cannot be done, with what typst said."""
    # -P: nothing that lies in the working folder is taken for a part of the program.
    command = [sys.executable, "-P", "-m", "consentry.evidence.typesetting"]
    done = subprocess.run(  # noqa: S603 - our own module, by this interpreter
        command,
        input=msgspec.json.encode(paper),
        capture_output=True,
        check=False,
        timeout=_SECONDS_MAX,
    )
    if done.returncode != 0:
        raise RuntimeError(f"evidence.pdf cannot be set: {done.stderr.decode()[-2000:]}")
    return done.stdout


def _set(paper: Paper) -> bytes:
    # Imported in the process that uses it: it is large.
    import typst  # noqa: PLC0415 - see above

    with as_file(files(_FOLDER).joinpath("fonts")) as folder:
        fonts = typst.Fonts(include_system_fonts=False, font_paths=[str(folder)])
    compiler = typst.Compiler(
        files(_FOLDER).joinpath("paper.typ").read_bytes(),
        font_paths=fonts,
        ignore_system_fonts=True,
        sys_inputs={"case": msgspec.json.encode(paper.case).decode()},
    )
    drawn = compiler.compile(format="pdf", pdf_standards=["a-2a", "ua-1"], timestamp=paper.made_at)
    if not isinstance(drawn, bytes):
        raise TypeError("typst gave no PDF")
    return drawn


def main() -> None:
    """Read a paper from standard input, and write it as a PDF."""
    paper = msgspec.json.decode(sys.stdin.buffer.read(), type=Paper)
    sys.stdout.buffer.write(_set(paper))


if __name__ == "__main__":
    main()

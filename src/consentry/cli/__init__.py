"""The `consentry` command: every door of the product for a shell."""


def main() -> None:
    """Run the command line; wrong settings are told in one sentence, not in a traceback."""
    from consentry.cli.app import run  # noqa: PLC0415 - keeps `import consentry.cli` free of typer

    run()

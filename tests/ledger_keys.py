"""A signer of checkpoints for tests."""

from consentry.opening import LedgerSigner

SIGNER = LedgerSigner("example.com/ledger", "a secret of the tests, long enough for one")

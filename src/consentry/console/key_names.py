"""What programs are called: keys by their names, and carrier accounts that send by themselves."""

from consentry.ports import Store


async def read_key_names(store: Store) -> dict[str, str]:
    """Read the names of programs by what entries call them: a key's id, or an account's sid.

    A program that goes on with the sid and token of the carrier account has no key of ours.
    """
    accounts = {a.account: f"Carrier account {a.id}" for a in await store.read_carriers()}
    return accounts | {key.id: key.name for key in await store.read_keys()}

"""What programs are called: keys by their names, and carrier accounts that send by themselves."""

from consentry.ports import Store


async def read_key_names(store: Store) -> dict[str, str]:
    """Read the names of programs by what entries call them.

    That is a key's id or a carrier account's sid; of a program that was told of a text and answered
    it, the sid that signed, or the id of the carrier account where none was named.
    """
    names = {}
    for account in await store.read_carriers():
        names[account.account] = names[account.id] = f"Carrier account {account.id}"
    for key in await store.read_keys():
        names[key.id] = key.name
        if key.account_sid is not None:
            names[key.account_sid] = key.name
    return names

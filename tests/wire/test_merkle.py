"""The log's tree against Certificate Transparency's published vectors and the RFC's definition."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consentry.wire.merkle import (
    EMPTY_ROOT,
    ProofError,
    Span,
    hash_leaf,
    hash_node,
    is_consistent,
    is_included,
    join_subtrees,
    list_consistency,
    list_inclusion,
    list_subtrees,
)
from consentry.wire.tiles import (
    TileName,
    append_leaves,
    hash_span,
    hash_spans,
    list_tails,
    list_tiles,
    split_hashes,
)

# Source: google/certificate-transparency-go, merkletree tests, and transparency-dev/merkle,
# testonly/constants.go: the leaves and the roots of the trees of the first 1 to 8 of them.
LEAVES = [
    bytes.fromhex(written)
    for written in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    bytes.fromhex(written)
    for written in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]


def naive_root(hashes: list[bytes]) -> bytes:
    """Hash a list as RFC 6962, section 2.1, defines it."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hash_node(naive_root(hashes[:split]), naive_root(hashes[split:]))


def build(count: int) -> tuple[list[bytes], dict[TileName, bytes]]:
    """Give the hashes of so many leaves, and all tiles of their tree."""
    hashes = [hash_leaf(b"%d" % number) for number in range(count)]
    return hashes, append_leaves(0, {}, hashes)


@pytest.mark.unit
@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_published_ones(size: int) -> None:
    """The trees of Certificate Transparency's eight leaves have the published roots."""
    hashes = [hash_leaf(leaf) for leaf in LEAVES[:size]]
    tiles = append_leaves(0, {}, hashes)
    assert hash_span(Span(0, size), tiles) == ROOTS[size - 1] == naive_root(hashes)


@pytest.mark.unit
def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    """A tree without leaves has the root that the RFC gives it."""
    assert join_subtrees([]) == EMPTY_ROOT == sha256(b"").digest()


@pytest.mark.unit
@pytest.mark.parametrize(
    ("leaf", "size", "path"),
    [
        (0, 1, []),
        (
            0, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5, 8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1, 5,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)  # fmt: skip
def test_inclusion_paths_are_the_published_ones(leaf: int, size: int, path: list[str]) -> None:
    """Audit paths of Certificate Transparency's leaves are those of its tests, and verify."""
    tiles = append_leaves(0, {}, [hash_leaf(content) for content in LEAVES])
    made = hash_spans(list_inclusion(leaf, size), tiles)
    assert [h.hex() for h in made] == path
    known = hash_leaf(LEAVES[leaf])
    assert is_included(known, leaf, size=size, path=made, root=ROOTS[size - 1])


@pytest.mark.unit
@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        (1, 1, []),
        (
            1, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6, 8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2, 5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)  # fmt: skip
def test_consistency_paths_are_the_published_ones(old: int, new: int, path: list[str]) -> None:
    """Consistency proofs are those of Certificate Transparency's tests, and verify."""
    tiles = append_leaves(0, {}, [hash_leaf(content) for content in LEAVES])
    made = hash_spans(list_consistency(old, new), tiles)
    assert [h.hex() for h in made] == path
    assert is_consistent(old, new, old_root=ROOTS[old - 1], new_root=ROOTS[new - 1], path=made)


@pytest.mark.property
@given(sizes=st.lists(st.integers(0, 700), min_size=1, max_size=4))
def test_appending_in_parts_makes_the_tree_of_the_definition(sizes: list[int]) -> None:
    """However leaves are split over appends, with only the partial tiles known, the root is that of
    the definition.
    """
    hashes: list[bytes] = []
    tiles: dict[TileName, bytes] = {}
    for count in sizes:
        new = [hash_leaf(b"%d" % (len(hashes) + number)) for number in range(count)]
        tails = {name: tiles[name] for name in list_tails(len(hashes))}
        tiles |= append_leaves(len(hashes), tails, new)
        hashes += new
        edge = {name: tiles[name] for name in list_tails(len(hashes))}
        assert hash_span(Span(0, len(hashes)), edge) == naive_root(hashes)


@pytest.mark.property
@given(size=st.integers(1, 600), data=st.data())
def test_every_leaf_is_proved_by_its_path_alone(size: int, data: st.DataObject) -> None:
    """A leaf's path verifies with few tiles; for another leaf, size, hash or root it does not."""
    hashes, tiles = build(size)
    leaf = data.draw(st.integers(0, size - 1))
    spans = list_inclusion(leaf, size)
    path = hash_spans(spans, {name: tiles[name] for name in list_tiles(spans)})
    root = naive_root(hashes)
    assert is_included(hashes[leaf], leaf, size=size, path=path, root=root)
    assert not is_included(hash_leaf(b"x"), leaf, size=size, path=path, root=root)
    assert not is_included(hashes[leaf], size, size=size, path=path, root=root)
    assert not is_included(hashes[leaf], leaf, size=size, path=path, root=EMPTY_ROOT)
    assert not is_included(hashes[leaf], leaf, size=size, path=(*path, root), root=root)
    if path:
        assert not is_included(hashes[leaf], leaf, size=size, path=path[1:], root=root)
        assert not is_included(hashes[leaf], leaf, size=size, path=(root, *path[1:]), root=root)


@pytest.mark.property
@given(new=st.integers(0, 600), data=st.data())
def test_growth_is_proved_by_its_path_alone(new: int, data: st.DataObject) -> None:
    """A tree grown out of another is proved so; with another root, size or hash it is not."""
    hashes, tiles = build(new)
    old = data.draw(st.integers(0, new))
    path = hash_spans(list_consistency(old, new), tiles)
    old_root, new_root = naive_root(hashes[:old]), naive_root(hashes)
    assert is_consistent(old, new, old_root=old_root, new_root=new_root, path=path)
    other = hash_leaf(b"another")
    assert not is_consistent(old, new, old_root=other, new_root=new_root, path=path)
    assert not is_consistent(old, new, old_root=old_root, new_root=new_root, path=(*path, other))
    if 0 < old < new:
        assert not is_consistent(old, new, old_root=old_root, new_root=other, path=path)
        assert not is_consistent(old, new, old_root=old_root, new_root=new_root, path=path[1:])


@pytest.mark.unit
def test_a_growth_that_cannot_be_proved_without_hashes_is_not() -> None:
    """An empty path proves nothing but that a tree is itself, or grew out of nothing."""
    root = ROOTS[2]
    assert not is_consistent(3, 5, old_root=root, new_root=ROOTS[4], path=())
    assert not is_consistent(5, 3, old_root=ROOTS[4], new_root=root, path=())
    assert is_consistent(0, 3, old_root=EMPTY_ROOT, new_root=root, path=())
    assert is_consistent(3, 3, old_root=root, new_root=root, path=())
    assert not is_consistent(3, 3, old_root=ROOTS[0], new_root=root, path=())


@pytest.mark.unit
@pytest.mark.parametrize(("leaf", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_no_proof_of_a_leaf_that_is_not_there(leaf: int, size: int) -> None:
    """A leaf outside of the tree has no path, and the error names both."""
    with pytest.raises(ProofError, match=f"{size} entries has no entry {leaf}"):
        list_inclusion(leaf, size)


@pytest.mark.unit
@pytest.mark.parametrize(("old", "new"), [(4, 3), (-1, 3)])
def test_no_proof_of_a_tree_that_shrank(old: int, new: int) -> None:
    """A smaller tree did not grow out of a larger one."""
    with pytest.raises(ProofError, match=f"{new} entries cannot have grown out of one of {old}"):
        list_consistency(old, new)


@pytest.mark.unit
def test_a_tile_that_is_cut_off_is_found_out() -> None:
    """A hash is never computed from a tile that lacks some of its hashes."""
    _, tiles = build(8)
    name = TileName(0, 0)
    with pytest.raises(ValueError, match="tile 0 of level 0 is too short"):
        hash_span(Span(0, 8), {name: tiles[name][:-1]})
    assert list_subtrees(Span(0, 7)) == [(2, 0), (1, 2), (0, 6)]


@pytest.mark.unit
def test_a_tile_is_taken_apart_into_its_hashes() -> None:
    """As many as it has, in order."""
    leaves, tiles = build(3)
    assert split_hashes(tiles[TileName(0, 0)]) == leaves
    assert split_hashes(b"") == []


@pytest.mark.unit
@pytest.mark.parametrize(
    ("size", "tails"),
    [(0, []), (255, [(0, 0)]), (256, [(1, 0)]), (257, [(0, 1), (1, 0)]), (65536, [(2, 0)])],
)
def test_a_level_that_ends_with_a_full_tile_has_no_tail(
    size: int, tails: list[tuple[int, int]]
) -> None:
    """Only what is still to be filled is written anew at the next entry."""
    assert list_tails(size) == [TileName(*tail) for tail in tails]

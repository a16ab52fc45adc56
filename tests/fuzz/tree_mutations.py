"""Mutators of JSON and YAML documents: values of other types, keys missing or more,
depth, size, bad text."""

from __future__ import annotations

import json

import numpy as np

from tests.fuzz.hostile_names import CANARY, NAMES

DIGITS = "9" * 5000
VALUES = (
    None, True, False, 0, -1, 1, 2, 3, 1.5, -0.0, 1e308, 2**31, 2**63, 2**64, -(2**63), 10**30, "",
    "0", "nan",
    "1e999", [], {}, [[]], [None], [1, "a", None], {"a": 1}, {"": {}}, [0] * 300, "x" * 3000,
    float("nan"), float("inf"),
)  # fmt: skip


def paths(tree, at=()) -> list[tuple]:
    """Of every value in the document, the root too."""
    found = [at]
    items = (
        tree.items()
        if isinstance(tree, dict)
        else enumerate(tree)
        if isinstance(tree, list)
        else ()
    )
    for key, value in items:
        found += paths(value, (*at, key))
    return found


def _parent(tree, path):
    for key in path[:-1]:
        tree = tree[key]
    return tree


def pick(rng, items):
    return items[int(rng.integers(len(items)))]


def _at(tree, rng):
    """(parent, key) of a value below the root; (None, None) where there is none."""
    found = [p for p in paths(tree) if p]
    if not found:
        return None, None
    path = pick(rng, found)
    return _parent(tree, path), path[-1]


def set_value(tree, rng):
    parent, key = _at(tree, rng)
    if parent is None:
        return pick(rng, VALUES)
    parent[key] = pick(rng, VALUES)
    return tree


def set_number(tree, rng):
    """Near the value that is there."""
    numbers = [p for p in paths(tree) if p and type(_parent(tree, p)[p[-1]]) in (int, float)]
    if numbers:
        path = pick(rng, numbers)
        parent, value = _parent(tree, path), _parent(tree, path)[path[-1]]
        parent[path[-1]] = pick(
            rng, (value + 1, value - 1, -value, value * 2, value * 1000, value / 3, 10**12, 0)
        )
    return tree


def set_text(tree, rng):
    texts = [p for p in paths(tree) if p and isinstance(_parent(tree, p)[p[-1]], str)]
    if texts:
        path = pick(rng, texts)
        _parent(tree, path)[path[-1]] = pick(rng, NAMES)
    return tree


def rename_key(tree, rng):
    keys = [p for p in paths(tree) if p and isinstance(p[-1], str)]
    if keys:
        path = pick(rng, keys)
        parent = _parent(tree, path)
        parent[pick(rng, (*NAMES, path[-1] + "s", path[-1].upper()))] = parent.pop(path[-1])
    return tree


def drop_value(tree, rng):
    parent, key = _at(tree, rng)
    if parent is not None:
        del parent[key]
    return tree


def add_key(tree, rng):
    places = [p for p in paths(tree) if isinstance(_parent(tree, (*p, "")), dict)]
    if places:
        _parent(tree, (*pick(rng, places), ""))[pick(rng, NAMES)] = pick(rng, VALUES)
    return tree


def double_item(tree, rng):
    places = [p for p in paths(tree) if isinstance(_parent(tree, (*p, "")), list)]
    if places:
        items = _parent(tree, (*pick(rng, places), ""))
        items += items[: int(rng.integers(1, 4))]
    return tree


def exchange(tree, rng):
    """Two values change places."""
    (first, i), (second, j) = _at(tree, rng), _at(tree, rng)
    if first is not None:
        first[i], second[j] = json.loads(json.dumps(second[j])), json.loads(json.dumps(first[i]))
    return tree


MUTATORS = {
    f.__name__: f
    for f in (
        set_value,
        set_value,
        set_number,
        set_number,
        set_text,
        rename_key,
        drop_value,
        add_key,
        double_item,
        exchange,
    )
}


# -- of the text --


def deep(text: str, rng: np.random.Generator) -> str:
    n = int(pick(rng, (50, 2000, 100_000)))
    opening = pick(rng, ("[", '{"a":', "- ", "{a: "))
    return opening * n if rng.integers(2) else opening * n + "1" + "]" * n


def big_integer(text: str, rng: np.random.Generator) -> str:
    digits = [i for i, c in enumerate(text) if c.isdigit()]
    if not digits:
        return DIGITS
    at = pick(rng, digits)
    return (
        text[:at]
        + pick(rng, (DIGITS, "1e999", "0x7f", "-", "NaN", "Infinity", "1_0", "٣"))
        + text[at + 1 :]
    )


def aliases(text: str, rng: np.random.Generator) -> str:
    """YAML's anchors: nine to the power of nine items, or a loop."""
    if rng.integers(2):
        return "a: &a [*a]\n" + text
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    return "\n".join(lines) + "\n" + text


def tags(text: str, rng: np.random.Generator) -> str:
    """YAML's tags that would make Python objects."""
    tag = pick(rng, (
        f"!!python/object/apply:os.system ['touch {CANARY}']", "!!python/name:os.system",
        "!!binary a", "!!timestamp 9",
        "!!set {a, b}", "2001-01-01", "1:30", "!x y", "? [a, b]\n: c", "&x a", "*x", "%YAML 9.9",
        "\t- a", "---\na: 1\n---",
    ))  # fmt: skip
    lines = text.splitlines()
    lines.insert(int(rng.integers(len(lines) + 1)), pick(rng, ("", "zz: ")) + tag)
    return "\n".join(lines)


TEXT_MUTATORS = {f.__name__: f for f in (deep, big_integer)}
YAML_MUTATORS = {**TEXT_MUTATORS, **{f.__name__: f for f in (aliases, tags)}}

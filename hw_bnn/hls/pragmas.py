"""The pragmas that our C++ may have: a whitelist with options, and where each may stand.

A tool that does not know a pragma, an option or a variable says so in a warning at best, and the
interval is not what was promised. So each is checked here, by the text alone:

>>> text = "void f(int (&a)[4]) {\\n#pragma HLS ARRAY_PARTITION variable=b dim=1 complete\\n}"
>>> faults(text)
['line 2: ARRAY_PARTITION names b, which is not declared in f']
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_NUMBER = re.compile(r"[1-9]\d*$|0$")
_NAME = re.compile(r"[A-Za-z_]\w*$")


def _number(value: str) -> bool:
    return bool(_NUMBER.match(value))


def _name(value: str) -> bool:
    return bool(_NAME.match(value))


def _one_of(*values: str) -> Callable[[str], bool]:
    return lambda value: value in values


@dataclass(frozen=True)
class Rule:
    """options: NAME=VALUE -> what values are right. flags: single words. needed: options that may
    not be absent. place: "loop" (first in a loop's body), "function" (in a function's body) or
    "any" (in either, behind the declaration of the variable that it names)."""

    place: str
    options: dict[str, Callable[[str], bool]]
    flags: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


_ARRAY = Rule("any", {"variable": _name, "dim": _number, "factor": _number},
              ("complete", "block", "cyclic"), ("variable", "dim"))  # fmt: skip

RULES: dict[str, Rule] = {
    "PIPELINE": Rule(
        "loop", {"II": _number, "style": _one_of("flp", "frp", "stp")}, needed=("II",)
    ),
    "UNROLL": Rule("loop", {"factor": _number}),
    "INLINE": Rule("function", {}, ("off",)),
    "DATAFLOW": Rule("function", {}),
    "ARRAY_PARTITION": _ARRAY,
    "ARRAY_RESHAPE": _ARRAY,
    "STREAM": Rule("any", {"variable": _name, "depth": _number}, needed=("variable", "depth")),
    "INTERFACE": Rule("function", {"port": _name}, ("axis", "ap_ctrl_none"), ("port",)),
}


@dataclass
class _Block:
    """A pair of braces: "loop", "function" or "other", its head, and the text in it so far."""

    kind: str
    head: str
    text: str = ""


def faults(text: str) -> list[str]:
    """What is wrong with the pragmas of a C++ text, a sentence each; [] where nothing is."""
    found: list[str] = []
    blocks: list[_Block] = []
    pending = ""
    for number, line in enumerate(_without_comments(text).split("\n"), 1):
        if line.lstrip().startswith("#"):
            if match := re.match(r"\s*#\s*pragma\s+HLS\s+(.*)", line):
                found += [f"line {number}: {f}" for f in _check(match[1].split(), blocks, pending)]
            elif re.match(r"\s*#\s*pragma\s+(?!once)", line):
                found.append(f"line {number}: a pragma that is no HLS one")
            continue
        for char in line + "\n":
            if char == "{":
                blocks.append(_Block(_kind(pending), pending.strip()))
                pending = ""
            elif char == "}":
                inner = blocks.pop() if blocks else None
                if blocks and inner is not None:
                    blocks[-1].text += f"{inner.head}{{}}"
                pending = ""
            elif char == ";" and pending.count("(") == pending.count(")"):
                if blocks:
                    blocks[-1].text += pending + ";"
                pending = ""
            else:
                pending += char
    return found


def _without_comments(text: str) -> str:
    return re.sub(r"//[^\n]*", "", text)


def _kind(head: str) -> str:
    words = head.strip()
    if re.search(r"\b(for|while)\s*\(", words):
        return "loop"
    if re.search(r"\b(if|else|switch|struct|class|namespace|enum)\b", words.split("(")[0]):
        return "other"
    return "function" if re.search(r"\)\s*(const)?\s*$", words) else "other"


def _check(words: list[str], blocks: list[_Block], pending: str) -> list[str]:
    if not words or words[0] not in RULES:
        return [f"{words[0] if words else 'nothing'} is no pragma of ours"]
    name, rule, found, given = words[0], RULES[words[0]], [], {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals and word in rule.flags:
            continue
        if not equals or key not in rule.options:
            found.append(f"{name} has no option {word}")
        elif not rule.options[key](value):
            found.append(f"{name} {key} cannot be {value}")
        else:
            given[key] = value
    found += [f"{name} lacks {key}" for key in rule.needed if key not in given]
    return found + _check_place(name, rule, given, blocks, pending)


def _check_place(
    name: str, rule: Rule, given: dict[str, str], blocks: list[_Block], pending: str
) -> list[str]:
    inner = blocks[-1] if blocks else _Block("other", "")
    function = next((b for b in reversed(blocks) if b.kind == "function"), None)
    if pending.strip():
        return [f"{name} stands inside a statement"]
    if function is None:
        return [f"{name} stands outside a function"]
    if rule.place == "loop" and (inner.kind != "loop" or inner.text.strip()):
        return [f"{name} is not first in a loop's body"]
    if rule.place == "function" and inner.kind != "function":
        return [f"{name} does not stand in a function's body"]
    variable = given.get("variable", given.get("port"))
    if variable is None or variable == "return":
        return []
    start = blocks.index(function)
    declared = "".join(f"{block.head} {block.text}" for block in blocks[start:])
    if re.search(rf"[\w>&*)]\s*\(?&?\s*\b{variable}\b\s*[\[,;=()]", declared):
        return []
    owner = re.search(r"(\w+)\s*\(", function.head)
    return [f"{name} names {variable}, which is not declared in {owner[1] if owner else 'it'}"]

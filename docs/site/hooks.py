"""What the pages need beside the files of docs/: the README as the first, two generated ones."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

from mkdocs.structure.files import File, Files

import hw_bnn
from hw_bnn import options

ROOT = Path(__file__).parents[2]
OPTIONS = ("TargetOptions", "CompileOptions", "FrameOptions", "EngineOptions")


def on_files(files: Files, config) -> Files:
    """Add the README and the generated pages."""
    pages = {
        "index.md": start(), "reference.md": reference(), "options.md": options_page(),
        "torch.md": torch_page(),
    }  # fmt: skip
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page, **_) -> str:
    """A link to a file of the repository that is no page becomes the file's name."""
    return re.sub(r"(!?)\[((?:[^][]|\[[^]]*\])*)\]\(([^)\s#:]+)(#[^)]*)?\)", _kept, markdown)


def on_post_page(output: str, **_) -> str:
    """The theme's dialog of the search has a name."""
    return output.replace('role="dialog"', 'role="dialog" aria-label="Search"')


def _kept(link: re.Match) -> str:
    image, text, target = link[1], link[2], link[3]
    if image or not target.startswith("../"):
        return link[0]
    name = target.removeprefix("../")
    return text if text.strip("`") == name else f"{text} (`{name}`)"


def start() -> str:
    """The README, with its links as seen from docs/."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    def seen(link: re.Match) -> str:
        target = os.path.relpath(ROOT / link[1], ROOT / "docs")
        return f"]({target}{link[2] or ''})"

    return re.sub(r"\]\(([^)\s#:]+)(#[^)]*)?\)", seen, text)


def reference() -> str:
    """Every name of `import hw_bnn as hb`, from its docstring."""
    lines = [
        "# In Python", "",
        "`import hw_bnn as hb`: each command of `hw-bnn` is a function of the same name and",
        "arguments. Where one takes `build`, `asked` or `chosen`, it takes the fields of that",
        "class as keyword arguments: [options](options.md).", "",
    ]  # fmt: skip
    for name in hw_bnn.__all__:
        module, _, attribute = hw_bnn._table[name].partition(":")
        lines += _told(f"hw_bnn{module}.{attribute}", f"hb.{name}")
    lines += ["`hb.errors`: what is raised on purpose.", ""]
    for name in ("HwBnnError", "BadInput", "Unsupported", "CheckFailed", "MissingTool"):
        lines += _told(f"hw_bnn.errors.{name}", f"hb.errors.{name}")
    lines += ["`hb.zoo`: the trained networks of the package.", ""]
    for name in ("names", "card", "model"):
        lines += _told(f"hw_bnn.zoo.{name}", f"hb.zoo.{name}")
    return "\n".join(lines)


def torch_page() -> str:
    """The layers and optimisers for a training loop of one's own, from their docstrings."""
    lines = ["# Layers and optimisers", "", "For networks and loops of your own in PyTorch.", ""]
    for package in ("nn", "optim"):
        lines += [f"## hw_bnn.{package}", ""]
        for name in _public(ROOT / "hw_bnn" / package / "__init__.py"):
            lines += [*_told(f"hw_bnn.{package}.{name}", f"{package}.{name}", level=3)]
    return "\n".join(lines)


def _public(path: Path) -> list[str]:
    """`__all__` of a package, which is not imported: torch takes seconds."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (names,) = (
        node.value for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )  # fmt: skip
    return ast.literal_eval(names)


def _told(path: str, heading: str, level: int = 2) -> list[str]:
    """What mkdocstrings makes the text of an object of."""
    return [
        f"::: {path}", "    options:", f"      heading: {heading}", f"      heading_level: {level}",
        f"      toc_label: {heading.rpartition('.')[2]}", "",
    ]  # fmt: skip


def options_page() -> str:
    """The classes of options as tables: flag, argument, default, meaning."""
    lines = [
        "# Options", "",
        "An argument in Python, a flag on the command line: `target_cycles=64` is",
        "`--target-cycles 64`.",
    ]  # fmt: skip
    for name in OPTIONS:
        kind = getattr(options, name)
        lines += ["", f"## {name}", "", kind.__doc__, "", "| argument | default | meaning |"]
        lines += ["|---|---|---|"]
        for argument, parameter in options.parameters(kind).items():
            (said,) = (
                m for m in parameter.annotation.__metadata__ if isinstance(m, options.Option)
            )
            meaning = said.help.replace("|", r"\|")
            lines.append(f"| `{argument}` | `{parameter.default!r}` | {meaning} |")
    return "\n".join(lines) + "\n"

"""Names of the files in a run folder (run.py tells what they hold), and the keys of checkpoints."""

from __future__ import annotations

LAST, SELECTED, RESULT, RECIPE = "last.pt", "selected.pt", "result.json", "recipe.yaml"
LAST_KEYS = ("recipe", "position", "classes", "model", "method", "rng", "seconds", "has_selected")
SELECTED_KEYS = ("recipe", "position", "classes", "model", "extra")

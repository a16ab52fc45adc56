"""Names of the files in a run folder (run.py tells what they hold), and the keys of checkpoints."""

from __future__ import annotations

LAST, SELECTED, RESULT, RECIPE = "last.pt", "selected.pt", "result.json", "recipe.yaml"
STAGE = "stage{}.pt"
"""What a stage selected, of a run of several stages, by the stage's number."""
LAST_KEYS = ("recipe", "position", "classes", "model", "method", "rng", "seconds", "has_selected")
SELECTED_KEYS = ("recipe", "position", "classes", "model", "extra")

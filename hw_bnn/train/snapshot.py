"""The state of a run between two epochs, which its checkpoints hold."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from .checkpoint import save_checkpoint
from .run_folder import LAST, SELECTED, STAGE

if TYPE_CHECKING:
    from .run import Run


@dataclass(frozen=True)
class Snapshot:
    """Contents of selected.pt (None where no epoch is selected yet) and of last.pt.

    Nothing that training does afterwards changes them.
    """

    selected: dict[str, Any] | None
    last: dict[str, Any]

    @property
    def epochs(self) -> int:
        """Epochs done, of all stages."""
        return self.last["position"]["total_epochs"]

    def write(self, folder: Path) -> None:
        """Write selected.pt, then last.pt: a kill between the two loses nothing,
        epochs are redone.

        Raises:
            BadInput: a file cannot be written.
        """
        if self.selected is not None:
            save_checkpoint(folder / SELECTED, self.selected)
        save_checkpoint(folder / LAST, self.last)

    def write_stage(self, folder: Path) -> None:
        """Write what the stage that ends has selected, for a network of each task.

        Raises:
            BadInput: the file cannot be written.
        """
        if self.selected is not None:
            save_checkpoint(folder / STAGE.format(self.last["position"]["stage"]), self.selected)


def snapshot(run: Run) -> Snapshot:
    """The state of a run, between two epochs."""
    common = {
        "recipe": run.recipe.model_dump(mode="json"),
        "position": dict(vars(run.position)),
        "classes": run.source.classes,
    }
    rng = {"torch": torch.get_rng_state(), "order": run.order.get_state()}
    if run.device.type == "cuda":
        rng["cuda"] = torch.cuda.get_rng_state()
    moving = {"model": run.model.state_dict(), "method": run.method.state_dict()}
    last = {
        **common,
        **copy.deepcopy(moving),
        "rng": rng,
        "seconds": run.seconds,
        "has_selected": run.selected is not None,
    }
    selected = None
    if run.selected is not None:  # itself a copy, which the next selected epoch replaces
        selected = {**common, "model": run.selected, "extra": run.selected_extra}
    return Snapshot(selected, last)

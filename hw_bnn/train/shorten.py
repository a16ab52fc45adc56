"""A recipe cut to fewer epochs, everything that counts epochs being scaled along.

Schedules that run from start to end follow by themselves; `every`, `at`, `freeze_after`,
`selectable_from` and the stages' own epochs are multiplied by the same ratio. What acts by its sum
over all steps is made stronger, so that the sum stays: BNEW's `pull` (which grows to R, sum ~ R E)
by 1/ratio, ProxQuant's `reg_rate` (lam ~ rate x epoch, sum ~ rate E^2) by 1/ratio^2. Bop's rates
of averaging, `gamma` and `sigma`, grow by 1/ratio, to 1 at most: an average of 1/gamma steps then
spans the same share of the training.
"""

from __future__ import annotations

from typing import Any

from .recipe import Recipe, load_recipe

_INDICES = ("freeze_after", "selectable_from")
_SUMS = {"pull": 1, "reg_rate": 2}
_AVERAGING = ("gamma", "sigma")


def shortened(recipe: Recipe, epochs: int) -> Recipe:
    """`recipe` with `epochs` epochs in all (at least one a stage); itself if it has no more.

    The factor of a stepwise schedule whose steps would become shorter than one epoch or step is
    raised to the power that keeps its overall change.
    """
    total = sum(stage.epochs for stage in recipe.resolved_stages())
    if epochs >= total:
        return recipe
    ratio = epochs / total
    document = recipe.model_dump(mode="json")
    document["training"] = _scaled(document["training"], ratio)
    document["stages"] = [_scaled(stage, ratio) for stage in document["stages"]]
    for part in (document["training"], *document["stages"]):
        # Rounding must not leave an index outside of its stage, nor a freeze without an epoch of
        # the real parameters alone after it.
        last = part.get("epochs", document["training"]["epochs"]) - 1
        for key in _INDICES:
            if isinstance(part.get(key), int):
                part[key] = min(part[key], last)
        method = part.get("method", {})
        if isinstance(method.get("freeze_after"), int):
            method["freeze_after"] = min(method["freeze_after"], max(0, last - 1))
            if isinstance(part.get("selectable_from"), int) and part["selectable_from"]:
                part["selectable_from"] = method["freeze_after"]
    return load_recipe(document)


def _scaled(node: Any, ratio: float) -> Any:
    if isinstance(node, list):
        return [_scaled(value, ratio) for value in node]
    if not isinstance(node, dict):
        return node
    result = {key: _scaled(value, ratio) for key, value in node.items()}
    if "factor" in node and "start" in node:
        return _scaled_schedule(node, ratio)
    if isinstance(node.get("epochs"), int):
        result["epochs"] = max(1, round(node["epochs"] * ratio))
    for key, power in _SUMS.items():
        if isinstance(node.get(key), int | float):
            result[key] = node[key] / ratio**power
    for key in _AVERAGING:
        if key in node:
            result[key] = _faster(result[key], ratio)
    for key in _INDICES:
        if isinstance(node.get(key), int) and node[key]:
            result[key] = max(0, round((node[key] + 1) * ratio) - 1)
    return result


def _faster(rate: float | dict, ratio: float) -> float | dict:
    """A rate of averaging by the step, a number or a schedule, for `ratio` of the steps."""
    if not isinstance(rate, dict):
        return min(1.0, rate / ratio)
    ends = {key: min(1.0, rate[key] / ratio) for key in ("start", "end") if rate.get(key)}
    return rate | ends


def _scaled_schedule(node: dict, ratio: float) -> dict:
    result = dict(node)
    if node.get("at"):
        result["at"] = [max(1, round(mark * ratio)) for mark in node["at"]]
    if node.get("every"):
        exact = node["every"] * ratio
        result["every"] = max(1, round(exact))
        result["factor"] = node["factor"] ** (result["every"] / exact)
    return result

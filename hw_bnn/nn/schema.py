"""The base of the recipe's parts: a pydantic model that answers an unknown key with the
nearest right one.

>>> class Part(Section):
...     section = "data"
...     batch: int = 100
>>> Part(batchsize=3)
Traceback (most recent call last):
    ...
hw_bnn.errors.BadInput: data has no key 'batchsize'; did you mean 'batch'?
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ..errors import BadInput, nearest


class Section(BaseModel):
    """A part of a recipe; unknown keys raise BadInput with the nearest right one."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    section: ClassVar[str] = "the recipe"
    # Keys that stand elsewhere, with the place, for those who put them here.
    elsewhere: ClassVar[dict[str, str]] = {}
    # Keys that make no sense here, with the reason.
    impossible: ClassVar[dict[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        for key in value:
            if key in cls.model_fields:
                continue
            if key in cls.impossible:
                raise BadInput(f"{cls.section} takes no {key!r}", remedy=cls.impossible[key])
            place = cls.elsewhere.get(key)
            raise BadInput(
                f"{cls.section} has no key {key!r}",
                remedy=f"it is {place}" if place else nearest(str(key), cls.model_fields),
            )
        return value


def validated(model: type[BaseModel], value: Any, where: str) -> Any:
    """`value` as `model`, or BadInput with the first thing that is wrong in it."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(p) for p in first["loc"])
        raise BadInput(f"{where}: {path or 'value'}: {first['msg'].rstrip('.')}") from None
    except RecursionError:
        raise BadInput(f"{where}: nested too deeply") from None

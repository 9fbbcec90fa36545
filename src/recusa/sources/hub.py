"""`hub`: a data set from the Hugging Face hub, such as LLM-LAT/harmful-dataset, or a local copy of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from recusa.errors import InputError, MissingPackage
from recusa.sources.rows import RowSource
from recusa.types import Kind, Prompt

KINDS_OF: dict[str, Kind] = {"LLM-LAT/harmful-dataset": "harmful", "LLM-LAT/benign-dataset": "benign"}


class Hub(RowSource):
    """Rows of a hub data set; both LLM-LAT sets load without saying their kind."""

    name: ClassVar[str] = "hub"

    dataset: str = Field(description="hub id, or a local folder that `datasets` can load")
    part: str = Field("train", description="the data set's own split to read")
    config: str | None = Field(None, description="the data set's configuration, where it has several")
    revision: str | None = Field(None, description="commit of the data set; without it, the newest")

    def prompts(self) -> Iterator[Prompt]:
        """Prompts in the data set's order; raises InputError when it cannot be had."""
        source = self.model_copy(update={"kind": self.kind or KINDS_OF.get(self.dataset)})
        return source.checked(self.rows(), self.dataset)

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Raw rows; raises InputError when the data set cannot be had."""
        try:
            from datasets import load_dataset
        except ImportError:
            raise MissingPackage(
                "hub data sets need a package that is not installed: `datasets`", "pip install 'recusa[local]'"
            ) from None
        from datasets.utils.logging import disable_progress_bar

        disable_progress_bar()
        try:
            table = load_dataset(self.dataset, self.config, split=self.part, revision=self.revision)
        except Exception as error:  # the library raises many kinds for one fact: it is not to be had
            raise InputError(
                f"could not be loaded ({type(error).__name__}: {str(error).splitlines()[0][:160]})",
                file=self.dataset,
                hint='check the name and the network, or give a file with `name = "file"`',
            ) from None
        return iter(table)

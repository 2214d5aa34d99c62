"""Where images came from, as a value: kept in a `Dataset`, in run.json and in studies, put into words here alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, model_validator

DATA_VARIABLE = "MUSLIN_DATA"

Kind: TypeAlias = Literal[
    "path", "environment", "sample", "cache", "system", "download", "package", "official", "other"
]

_WORDS: dict[Kind, str] = {
    "path": "files of your own",
    "environment": DATA_VARIABLE,
    "sample": "the sample that ships with Muslin",
    "cache": "your cache",
    "system": "the system's copy",
    "download": "{}, kept in your cache",
    "package": "the package {}, kept in your cache",
    "official": "the official release of Fashion-MNIST, verified",
}
# Sentences that run.json and studies held before a source was a value. Groups: name, path.
_SENTENCES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("path", re.compile(r"()--data \((.*)\)", re.DOTALL)),
    ("environment", re.compile(rf"()(?:\$?{DATA_VARIABLE}) \((.*)\)", re.DOTALL)),
    ("sample", re.compile(r"()the sample that ships with Muslin()")),
    ("cache", re.compile(r"()your cache \((.*)\)", re.DOTALL)),
    ("system", re.compile(r"()the system's copy \((.*)\)", re.DOTALL)),
    ("package", re.compile(r"the package (\S+), kept in your cache \((.*)\)", re.DOTALL)),
    ("download", re.compile(r"(.+), kept in your cache \((.*)\)", re.DOTALL)),
    ("official", re.compile(r"()the official release of Fashion-MNIST, verified()")),
)


class Source(BaseModel):
    """Where images came from.

    Validation also accepts a sentence, which is what run folders and studies of Muslin 0.1 hold.

    Attributes:
        kind: "path" or "environment" if a person named the path, as an argument or in MUSLIN_DATA; "sample" for the
            images that ship with Muslin; "cache" or "system" for verified files that were on the machine; "download" or
            "package" for verified files that were fetched into the cache; "official" for the official release, wherever
            it lies; "other" for anything else, described by `name`.
        path: absolute path of the images on the machine that read them (default None: not on record).
        name: address of the mirror, name of the package, or description (default: empty).
        dataset: name in the catalog that a person asked for, such as "mnist" (default: empty, none was asked for).

    >>> str(Source(kind="download", path="/home/ada/.cache/muslin", name="https://example.org/fashion"))
    'https://example.org/fashion, kept in your cache (/home/ada/.cache/muslin)'
    >>> Source.model_validate("--data (/home/ada/shirts)")
    Source(kind='path', path=PosixPath('/home/ada/shirts'), name='', dataset='')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    path: Path | None = None
    name: str = ""
    dataset: str = ""

    @model_validator(mode="before")
    @classmethod
    def _from_sentence(cls, content: Any) -> Any:
        if not isinstance(content, str):
            return content
        for kind, pattern in _SENTENCES:
            if found := pattern.fullmatch(content):
                return {"kind": kind, "path": found[2] or None, "name": found[1]}
        return {"kind": "other", "name": content}

    @classmethod
    def parse(cls, text: str) -> Source:
        """Read a source from the JSON, or the sentence, that a study keeps.

        >>> Source.parse('{"kind": "sample"}') == Source.parse("the sample that ships with Muslin")
        True
        """
        return cls.model_validate_json(text) if text.startswith("{") else cls.model_validate(text)

    @property
    def given(self) -> Path | None:
        """The path or the name that a person named; None if Muslin looked for the images itself."""
        if self.dataset:
            return Path(self.dataset)
        return self.path if self.kind in ("path", "environment") else None

    @property
    def label(self) -> str:
        """The source in words, without a path of the machine that read it."""
        if self.kind == "other":
            return self.name.partition(" (")[0]
        words = _WORDS[self.kind].format(self.name)
        return f"{self.dataset} from {words}" if self.dataset else words

    def __str__(self) -> str:
        """The source in words, with its path if that is on record."""
        if self.kind == "other":
            return self.name
        if self.kind == "path" and self.path is not None:
            return str(self.path)
        return f"{self.label} ({self.path})" if self.path is not None else self.label

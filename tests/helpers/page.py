"""Reading a page the strict way: what a browser would forgive is an error here."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise

# https://html.spec.whatwg.org/multipage/syntax.html#void-elements
VOID = {"meta", "link", "br", "img", "hr", "input", "col", "wbr"}
TOLD = {"h1", "h2", "h3", "p", "figcaption", "caption", "summary", "title", "dt", "thead"}
RELATIONS = re.compile(r"(?:aria-labelledby|aria-describedby|for)")


class Page(HTMLParser):
    """The elements of a page, its words, and what is wrong with it.

    Attributes:
        elements: (tag, attributes) in order.
        words: all text outside style sheets.
        texts: the text of each heading, paragraph, caption, column head and description, in order.
        wrong: what a validator would complain of.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.wrong: list[str] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self._starts: list[int] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()
        self.wrong += [f"<{tag}> is never closed" for tag in self._open]
        self._check_references()
        self._check_headings()

    @property
    def words(self) -> str:
        return re.sub(r"\s+", " ", "".join(self._text))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)
            self._starts.append(len(self._text))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)
        if "svg" not in self._open and tag != "svg":
            self.wrong.append(f"<{tag}/> is XML, not HTML")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.wrong.append(f"</{tag}> closes {self._open[-3:]}, line {self.getpos()[0]}")
            return
        self._open.pop()
        text = " ".join("".join(self._text[self._starts.pop() :]).split())
        if tag in TOLD and text:
            self.texts.append(text)
        if tag in ("td", "th", "p", "li", "h1", "h2", "h3", "dt", "dd"):
            self._text.append(" ")

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self._text.append(data)

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names):
            self.wrong.append(f"<{tag}> says an attribute twice: {names}")
        self.elements.append((tag, dict(attrs)))
        self.texts += [value for name, value in attrs if name == "aria-label" and value]

    def _check_references(self) -> None:
        ids = [attributes["id"] for _, attributes in self.elements if "id" in attributes]
        self.wrong += [f"the id {name} stands {ids.count(name)} times" for name in set(ids) if ids.count(name) > 1]
        for tag, attributes in self.elements:
            for name, value in attributes.items():
                wanted = []
                if name == "href" and value and value.startswith("#"):
                    wanted = [value[1:]]
                elif RELATIONS.fullmatch(name):
                    wanted = (value or "").split()
                wanted += re.findall(r"url\(#([^)]+)\)", value or "")
                self.wrong += [f"<{tag}> refers to {target}, which isn't there" for target in set(wanted) - set(ids)]

    def _check_headings(self) -> None:
        levels = [int(tag[1]) for tag, _ in self.elements if re.fullmatch(r"h[1-6]", tag)]
        if levels.count(1) != 1 or levels[0] != 1:
            self.wrong.append(f"headings: {levels}")
        self.wrong += [
            f"a heading of level {then} follows one of {first}" for first, then in pairwise(levels) if then > first + 1
        ]

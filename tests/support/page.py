"""A strict reader of the page of `report --html`: every tag closed, nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from xml.etree.ElementTree import Element, SubElement, fromstring

import numpy as np

OUTSIDE = ("src", "srcset", "data", "action", "poster", "background", "xlink:href")
"""Attributes that would load something."""
FORBIDDEN = {"script", "link", "iframe", "object", "embed", "img", "base", "form", "foreignobject"}


class Reader(HTMLParser):
    """Builds the tree of a page and refuses what is not well-formed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("page")
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"<{tag}>: an attribute twice"
        assert all(value is not None for _, value in attrs), f"<{tag}>: an attribute without value"
        given = {name: value or "" for name, value in attrs}
        self.open.append(SubElement(self.open[-1], tag, given))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        last = self.open[-1]
        if len(last):
            last[-1].tail = (last[-1].tail or "") + data
        else:
            last.text = (last.text or "") + data


def read(text: str) -> Element:
    """Return the tree of a page; AssertionError or ParseError if it is not well-formed."""
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == [reader.root], f"<{reader.open[-1].tag}> stays open"
    assert text.startswith("<!DOCTYPE html>\n")
    fromstring(text)  # as XML as well
    return reader.root


def outside(root: Element, text: str) -> list[str]:
    """Return everything of a page that would run or reach outside of it."""
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(ids)) == len(ids), "an id twice"
    found = [word for word in ("http:", "https:", "url(", "@import", "javascript:") if word in text]
    for element in root.iter():
        if element.tag in FORBIDDEN:
            found.append(element.tag)
        found += [f"{element.tag} {name}" for name in element.attrib if name in OUTSIDE]
        found += [f"{element.tag} {name}" for name in element.attrib if name.startswith("on")]
        href = element.get("href", "#")
        if href != "#" and not (href.startswith("#") and href[1:] in ids):
            found.append(href)
    return found


def text_of(element: Element) -> str:
    """Return the text of an element, in one line."""
    return " ".join("".join(element.itertext()).split())


def by_id(root: Element, name: str) -> Element:
    """Return the one element with an id."""
    (found,) = (element for element in root.iter() if element.get("id") == name)
    return found


def numbers(section: Element) -> dict[str, float]:
    """Return {key: value} of the numbers of a section; one that comes twice is the same."""
    found: dict[str, float] = {}
    for element in section.iter("data"):
        key, value = element.attrib["data-key"], float(element.attrib["value"])
        assert found.setdefault(key, value) == value, f"{key}: {found[key]} and {value}"
    return found


def rasters(root: Element) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (name, (step, neuron) bool) of every raster, as it is drawn."""
    for plot in root.iter("svg"):
        if "data-raster" not in plot.attrib:
            continue
        steps, neurons = int(plot.attrib["data-steps"]), int(plot.attrib["data-neurons"])
        (box,) = plot.findall("svg")
        assert box.attrib["viewbox"] == f"0 0 {steps} {neurons}"
        path = box.findall("path")[-1].attrib["d"]
        marks = re.findall(r"M(\d+) (\d+\.5)h0\.82", path)
        assert "".join(f"M{x} {y}h0.82" for x, y in marks) == path
        drawn = np.zeros((steps, neurons), bool)
        for x, y in marks:
            cell = int(x), neurons - 1 - int(float(y))
            assert not drawn[cell], f"{cell} twice"
            drawn[cell] = True
        yield plot.attrib["data-raster"], drawn

"""Charts to SVG that stands in a page: no script, no font, nothing to fetch."""

from __future__ import annotations

import re
import threading
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bulksend.view.charts import Spec

_SVG = "http://www.w3.org/2000/svg"
_DRAWING = threading.Lock()
"""The renderer is one JavaScript engine for the whole process."""

ET.register_namespace("", _SVG)


def draw(specification: Spec, summary: str) -> str:
    """An ``<svg>`` that fills its place, with *summary* for those who do not see it.

    What each mark stands for becomes its tooltip.  Clips are left out: they are found by
    an id, and several charts of one page would have the same.
    """
    import vl_convert

    with _DRAWING:
        drawn = vl_convert.vegalite_to_svg(specification, vl_version="6.4")
    root = ET.fromstring(drawn)  # noqa: S314  (the renderer's own output)
    for element in list(root.iter()):
        said = element.attrib.pop("aria-label", None)
        for name in ("role", "aria-roledescription", "aria-hidden", "clip-path"):
            element.attrib.pop(name, None)
        for name, value in element.attrib.items():
            element.set(name, _shortened(value))
        if said and element.tag == f"{{{_SVG}}}path":
            ET.SubElement(element, f"{{{_SVG}}}title").text = said
    for definitions in root.findall(f"{{{_SVG}}}defs"):
        root.remove(definitions)
    for name in ("width", "height", "class", "version"):
        root.attrib.pop(name, None)
    root.attrib |= {"role": "img", "aria-label": summary, "focusable": "false"}
    return ET.tostring(root, encoding="unicode")


def _shortened(place: str) -> str:
    """Coordinates to a hundredth of a pixel; what is written stays as it is."""
    return re.sub(r"(\d+\.\d{2})\d+", r"\1", place)

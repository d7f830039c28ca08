"""How does a file say what made it? In its XMP: tool, version, method, weights, verdict and the length of the blur.

Everything else in the XMP stays to the byte. What was said before, of an earlier run, is replaced.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from xml.sax.saxutils import quoteattr

from blurspace.io.convert import HOLDS
from blurspace.io.parts import prefixes, without_properties
from blurspace.types import Photo

SPACE = "urn:blurspace:provenance:1.0/"
END = re.compile(rb"</([\w.-]+):RDF\s*>")
DECLARED = re.compile(rb"\s+xmlns:[\w.-]+\s*=\s*[\"']" + re.escape(SPACE.encode()) + rb"[\"']")
SAYS_NOTHING = re.compile(rb"<([\w.-]+):Description(\s+\1:about\s*=\s*(\"\"|''))?\s*(/>|>\s*</\1:Description\s*>)")
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"></rdf:RDF></x:xmpmeta>'.encode()
NO_ROOM = "what made it is not told in its XMP, which has no room for that or is damaged"


def stamped(photo: Photo, facts: Mapping[str, object]) -> Photo:
    """The photo with `facts` (names in camel case; None is left out) in its XMP; its `changes` tell where it has none.

    XMP that has no end as it should, or becomes too long for the format, is left as it is.
    """
    told = " ".join(f"blurspace:{name}={quoteattr(str(fact))}" for name, fact in facts.items() if fact is not None)
    xmp = _without_ours(photo.xmp or EMPTY)
    ends = list(END.finditer(xmp))
    most = HOLDS[photo.format].block
    if ends:
        prefix = ends[-1][1].decode()
        ours = f'<{prefix}:Description {prefix}:about="" xmlns:blurspace="{SPACE}" {told}/>'.encode()
        xmp = xmp[: ends[-1].start()] + ours + xmp[ends[-1].start() :]
    if not ends or (most is not None and len(xmp) > most):
        return replace(photo, changes=(*photo.changes, NO_ROOM))
    return replace(photo, xmp=xmp)


def _without_ours(xmp: bytes) -> bytes:
    """XMP without what an earlier run said, also where an editor laid it together with its own."""
    if not prefixes(xmp, SPACE.encode()):
        return xmp
    return SAYS_NOTHING.sub(b"", DECLARED.sub(b"", without_properties(xmp, SPACE.encode())))

"""Pages and images that were taken down, out of what the guarded child answered, before any of it is written."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from pipelines.tombstones import Tombstones
from pipelines.web.capture import Judged, Row
from schemas.reasons import Reason
from schemas.rows import IMAGE, Node


@dataclass(frozen=True)
class Taken:
    stones: Tombstones
    require_image: bool = True

    def out_of(self, row: Row) -> Row:
        """The row with what was taken down dropped for that reason, before all others: of a page nothing is stored but its address and
        measures, an image is never asked for."""
        if not self.stones or row.dead is not None:
            return row
        who = row.identity
        if self.stones.page(who.doc_id, who.url, who.canonical_url, who.domain):
            nodes = [tuple(Node._make(n)._replace(text="", url="", alt="", caption="")) for n in row.nodes]
            return msgspec.structs.replace(row, title="", reasons=[str(Reason.TAKEDOWN), *row.reasons], store=False, nodes=nodes)
        nodes, judged, hit = list(row.nodes), dict(row.judged), False
        for i, n in enumerate(map(Node._make, row.nodes)):
            if n.kind == IMAGE and self.stones.image(n.image_id, n.url):
                nodes[i] = tuple(n._replace(reason=str(Reason.IMAGE_TAKEDOWN), alt="", caption=""))
                before = judged.get(i, Judged())
                judged[i] = Judged([str(Reason.IMAGE_TAKEDOWN), *before.reasons], before.shadow)
                hit = True
        if not hit:
            return row
        left = any(n.kind == IMAGE and not n.reason for n in map(Node._make, nodes))
        empty = [str(Reason.NO_IMAGE)] if self.require_image and not left and str(Reason.NO_IMAGE) not in row.reasons else []
        return msgspec.structs.replace(row, nodes=nodes, judged=judged, reasons=[*row.reasons, *empty])

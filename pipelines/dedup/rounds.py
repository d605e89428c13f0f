"""Connected components by large-star/small-star rounds over edge files, one file per bucket: what a cluster runs instead of
`components.local`. Round r reads `graph_r`; its large-star half also counts the nodes that keep the graph from being stars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.dedup.components import both_ways, large_star, not_stars, small_star
from pipelines.dedup.keys import from_bytes, to_bytes
from pipelines.dedup.near import EDGES, LABELS
from pipelines.dedup.work import Sent, Work

_LINKS = pa.schema([("node", pa.uint64()), ("neighbour", pa.uint64())])
_NOTHING = "{} settles in buckets and sends nothing to units, but unit {} got rows: a defect of weft, please report it"
_COUNT = pa.schema([("not_stars", pa.int64())])


def _by_node(work: Work, node: NDArray[np.uint64], neighbour: NDArray[np.uint64]) -> Sent:
    mixed = (node ^ (node >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)
    return work.to_buckets(pa.table([node, neighbour], schema=_LINKS), mixed)


@dataclass(frozen=True)
class LargeStar:
    """Sources: units in round 0 (their verified edges), buckets afterwards."""

    work: Work
    round: int

    def send(self, source: str) -> Sent:
        if self.round == 0:
            table = self.work.read("edges", source, EDGES)
            a, b = table["a"].to_numpy(), table["b"].to_numpy()
        else:
            table = self.work.read(f"graph_{self.round}", source, _LINKS)
            a, b = table["node"].to_numpy(), table["neighbour"].to_numpy()
        return _by_node(self.work, *both_ways(a, b))

    def settle(self, name: str, parts: list[bytes]) -> Sent:
        table = from_bytes(parts)
        node, neighbour = table["node"].to_numpy(), table["neighbour"].to_numpy()
        self.work.write(f"large_{self.round}", name, pa.table(list(large_star(node, neighbour)), schema=_LINKS))
        self.work.write(f"count_{self.round}", name, pa.table([[not_stars(node, neighbour, node > neighbour)]], schema=_COUNT))
        return ()

    def receive(self, unit: str, parts: list[bytes]) -> None:
        raise TypeError(_NOTHING.format(type(self).__name__, unit))


@dataclass(frozen=True)
class SmallStar:
    work: Work
    round: int

    def send(self, source: str) -> Sent:
        table = self.work.read(f"large_{self.round}", source, _LINKS)
        return _by_node(self.work, table["node"].to_numpy(), table["neighbour"].to_numpy())

    def settle(self, name: str, parts: list[bytes]) -> Sent:
        table = from_bytes(parts)
        edges = small_star(table["node"].to_numpy(), table["neighbour"].to_numpy())
        self.work.write(f"graph_{self.round + 1}", name, pa.table(list(edges), schema=_LINKS))
        return ()

    def receive(self, unit: str, parts: list[bytes]) -> None:
        raise TypeError(_NOTHING.format(type(self).__name__, unit))


@dataclass(frozen=True)
class Labels:
    """After the last large-star, whose input was stars already: every edge leads to its component's smallest node."""

    work: Work
    round: int

    def send(self, source: str) -> Sent:
        table = self.work.read(f"large_{self.round}", source, _LINKS)
        node, label = table["node"].to_numpy(), table["neighbour"].to_numpy()
        centre = np.unique(label)
        node, label = np.concatenate([node, centre]), np.concatenate([label, centre])
        return self.work.to_units(pa.table([node, label], schema=LABELS), node)

    def settle(self, name: str, parts: list[bytes]) -> Sent:
        yield name, to_bytes(from_bytes(parts))

    def receive(self, unit: str, parts: list[bytes]) -> None:
        table = from_bytes(parts)
        node, first = np.unique(table["node"].to_numpy(), return_index=True)
        self.work.write("labels", unit, pa.table([node, table["label"].to_numpy()[first]], schema=LABELS))


def not_converged(work: Work, round_: int) -> int:
    """The convergence counter of a round: 0 = the graph was stars."""
    return sum(int(work.read(f"count_{round_}", b, _COUNT)["not_stars"].to_numpy().sum()) for b in work.buckets)

"""Connected components, two ways with one answer: every node is labelled with the smallest node of its component.

`local` holds all edges in one process (scipy): the better tool up to some 1e8 edges. `large_star` and `small_star` are the two halves of
a round for a cluster (Kiveris et al., "Connected Components in MapReduce and Beyond", SoCC 2014): each works on the edges of the nodes
of one partition, knows nothing else, and needs no more memory than those. The alternating rounds end when one changes no edge;
then every edge leads from a node to its label. About log2(longest path) rounds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.uint64]


def local(a: Array, b: Array) -> tuple[Array, Array]:
    """(nodes, labels) for the nodes that have an edge, sorted by node."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    nodes, index = np.unique(np.concatenate([a, b]), return_inverse=True)
    if not len(nodes):
        return nodes, nodes
    half = len(a)
    graph = coo_matrix((np.ones(half, np.int8), (index[:half], index[half:])), shape=(len(nodes), len(nodes)))
    count, component = connected_components(graph, directed=False)
    smallest = np.full(count, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(smallest, component, nodes)
    return nodes, smallest[component]


def both_ways(a: Array, b: Array) -> tuple[Array, Array]:
    """What `large_star` groups by: each edge at both of its ends."""
    return np.concatenate([a, b]), np.concatenate([b, a])


def large_star(node: Array, neighbour: Array) -> tuple[Array, Array]:
    """For each node: link its larger neighbours to the smallest of itself and its neighbours. Input: all edges of these nodes, each
    with the node first (`both_ways`). Output: edges, larger end first."""
    node, neighbour, least = _grouped(node, neighbour)
    larger = neighbour > node
    return _edges(neighbour[larger], least[larger])


def small_star(node: Array, neighbour: Array) -> tuple[Array, Array]:
    """For each node: link its smaller neighbours and itself to the smallest of them. Input: edges, the larger end first, grouped by it.
    Output: edges, larger end first."""
    node, neighbour, least = _grouped(node, neighbour)
    return _edges(np.concatenate([neighbour, node]), np.concatenate([least, least]))


def _grouped(node: Array, neighbour: Array) -> tuple[Array, Array, Array]:
    """Sorted by node, with the smallest of node and neighbours beside each."""
    order = np.lexsort((neighbour, node))
    node, neighbour = node[order], neighbour[order]
    if not len(node):
        return node, neighbour, node
    starts = np.flatnonzero(np.concatenate([[True], node[1:] != node[:-1]]))
    least = np.minimum(np.minimum.reduceat(neighbour, starts), node[starts])
    return node, neighbour, np.repeat(least, np.diff(np.append(starts, len(node))))


def _edges(larger: Array, smaller: Array) -> tuple[Array, Array]:
    keep = larger != smaller
    larger, smaller = larger[keep], smaller[keep]
    order = np.lexsort((smaller, larger))
    larger, smaller = larger[order], smaller[order]
    if len(larger):
        first = np.concatenate([[True], (larger[1:] != larger[:-1]) | (smaller[1:] != smaller[:-1])])
        larger, smaller = larger[first], smaller[first]
    return larger, smaller


def fingerprint(larger: Array, smaller: Array) -> int:
    """A number that is the same for the same set of edges in any order and partition: add up those of the parts (mod 2^64). Two
    equal ones, one after the other, mean that the rounds have converged."""
    h = (larger * np.uint64(0x9E3779B97F4A7C15)) ^ (smaller + np.uint64(0x632BE59BD9B4E019))
    h = (h ^ h >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    h = (h ^ h >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return int((h ^ h >> np.uint64(31)).sum(dtype=np.uint64))


def not_stars(node: Array, other: Array, is_child: NDArray[np.bool_]) -> int:
    """The convergence counter: nodes of this partition that are at the same time a child (larger end of an edge) and a parent, or
    have two parents. Input: edges at both ends. 0 over all partitions = every component is one star."""
    children, counts = np.unique(node[is_child], return_counts=True)
    parents = np.unique(node[~is_child])
    return int(np.isin(children, parents).sum() + (counts > 1).sum())

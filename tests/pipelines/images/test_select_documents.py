"""The last word on a document: its images' fates, what it still needs, document rules, the split; and what is written about every node."""

from __future__ import annotations

from typing import Any

import pytest

from filters.base import Measures, Verdict
from pipelines.images.choose import Fate
from pipelines.images.documents import END, Selection, select_document, split_of
from pipelines.settings.select import SelectSettings
from schemas.ids import fraction_of
from schemas.reasons import Reason
from schemas.rows import IMAGE, TEXT, Document, Node

GOES = Fate(("image.size.below", "image.aspect"), "other", 0.1, ("watched",))
STAYS = Fate((), "", 0.3)


class Rules:
    """A rule set that says what it is told to."""

    measures: tuple[str, ...] = ()

    def __init__(self, *reasons: str):
        self.reasons, self.seen = reasons, []

    def measure(self, item: Any) -> Measures:
        self.seen.append(item)
        return {}

    def judge(self, measures: Measures, language: str) -> Verdict:
        return Verdict(self.reasons)

    def __bool__(self) -> bool:
        return True


def document(*nodes: Node, doc_id: str = "d" * 32, domain: str = "example.org") -> Document:
    return Document(doc_id, "u", "u", domain, "c", "w", 0, 1, "t", "title", "en", 0.9, nodes)


def text(index: int, reason: str = "", role: str = "p") -> Node:
    return Node(index, TEXT, role, f"text {index}", reason=reason)


def image(index: int, reason: str = "") -> Node:
    return Node(index, IMAGE, "image", url=f"http://e/{index}", image_id=f"i{index}", reason=reason)


def made(d: Document, fates: dict[int, Fate], rules: Any = None, texts: Any = None, contaminated: str = "", **settings: Any) -> Selection:
    out = Selection("u0")
    select_document(out, 7, d, fates, texts or {}, contaminated, rules or Rules(), SelectSettings(**settings), 0)
    return out


def fates_of(out: Selection) -> dict[int, str]:
    return {n["index"]: n["reason"] for n in out.nodes}


def test_a_document_that_stays_and_what_is_written_of_it():
    d = document(text(0), image(1), text(2, "paragraph.x"), image(3), text(4, role=END), image(5, "node.x"))
    out = made(d, {1: STAYS, 3: GOES})
    (row,) = out.documents
    assert (row["doc_id"], row["unit"], row["row"]) == (d.doc_id, "u0", 7)
    assert (row["kept"], row["reason"], row["reasons"], row["n_text"], row["n_images"]) == (True, "", [], 1, 1) and row["split"] in (
        "train",
        "val",
    )
    assert fates_of(out) == {0: "", 1: "", 3: "image.size.below", 4: ""}
    assert [(n["kept"], n["kind"], n["image_id"], n["duplicate_of"], n["similarity"]) for n in out.nodes] == [
        (True, "text", "", "", None), (True, "image", "i1", "", 0.3), (False, "image", "i3", "other", 0.1), (True, "text", "", "", None),
    ]  # fmt: skip
    assert [(v["index"], v["kept"], v["first_reason"], v["reasons"], v["shadow_reasons"]) for v in out.verdicts] == [
        (1, True, "", [], []), (3, False, "image.size.below", ["image.size.below", "image.aspect"], ["watched"]),
    ]  # fmt: skip
    assert out.ends == {"kept": 1, "dropped": 0} and out.assignments == []


def test_a_document_that_goes_takes_its_nodes_along_by_a_reason_of_their_own():
    out = made(document(text(0), image(1), image(2), text(3, role=END)), {1: STAYS, 2: GOES}, Rules("document.a", "document.b"))
    (row,) = out.documents
    assert (row["kept"], row["reason"], row["reasons"], row["split"]) == (False, "document.a", ["document.a", "document.b"], "")
    gone = str(Reason.DOCUMENT_DROPPED)
    assert fates_of(out) == {0: gone, 1: gone, 2: "image.size.below", 3: gone}
    assert [(v["kept"], v["first_reason"], v["reasons"]) for v in out.verdicts][0] == (False, gone, [])
    assert out.ends == {"kept": 0, "dropped": 1}


@pytest.mark.parametrize(
    ("nodes", "settings", "reasons"),
    [
        ((text(0), image(1)), {}, []), ((text(0),), {}, [Reason.NO_IMAGE]), ((text(0), image(2)), {}, [Reason.NO_IMAGE]), ((image(1),), {}, [Reason.NO_TEXT]),
        ((image(1), text(0, role=END)), {}, [Reason.NO_TEXT]), ((image(1), text(0, "paragraph.x")), {}, [Reason.NO_TEXT]), ((), {}, [Reason.NO_IMAGE, Reason.NO_TEXT]),
        ((text(0), image(1, "node.x")), {}, [Reason.NO_IMAGE]), ((text(0),), {"require_image": False}, []), ((image(1),), {"require_text": False}, []),
        ((), {"require_image": False, "require_text": False}, []),
    ],
)  # fmt: skip
def test_what_a_document_needs(nodes, settings, reasons):
    out = made(document(*nodes), {1: STAYS, 2: GOES}, **{"require_image": True, "require_text": True, **settings})
    assert out.documents[0]["reasons"] == reasons and out.documents[0]["kept"] is not bool(reasons)


def test_an_evaluation_set_comes_first_and_rules_last():
    out = made(document(text(0)), {}, Rules("document.a"), contaminated="a set")
    assert out.documents[0]["reasons"] == [Reason.CONTAMINATED, Reason.NO_IMAGE, "document.a"]


def test_document_rules_see_what_is_left():
    rules = Rules()
    made(document(text(0), image(1), image(2)), {1: STAYS, 2: GOES}, rules)
    (view,) = rules.seen
    assert view.n_images == 1


def test_without_rules_nothing_is_measured():
    class Empty(Rules):
        def __bool__(self) -> bool:
            return False

    rules = Empty()
    made(document(text(0), image(1)), {1: STAYS}, rules)
    assert rules.seen == []


def test_an_image_without_a_fate_is_no_silent_loss():
    with pytest.raises(ValueError, match=r"no row for image node 1 .*run the score stage again"):
        made(document(text(0), image(1)), {})


def test_assignment_gives_each_text_one_image_and_says_who_goes_without():
    d = document(text(0), image(1), image(2), image(3), image(4), text(5))
    fates = {1: STAYS, 2: STAYS, 3: GOES, 4: STAYS}
    texts = {1: {0: 0.9}, 2: {0: 0.8}, 3: {0: 1.0, 5: 1.0}}  # image 4 was never compared
    kept = made(d, fates, texts=texts, assignment=True)
    assert [(a["index"], a["image_id"], a["text_index"], a["similarity"]) for a in kept.assignments] == [(1, "i1", 0, 0.9)]
    assert fates_of(kept) == {0: "", 1: "", 2: "", 3: "image.size.below", 4: "", 5: ""}
    dropped = made(d, fates, texts=texts, assignment=True, assignment_drop=True)
    assert fates_of(dropped) == {0: "", 1: "", 2: Reason.IMAGE_UNASSIGNED, 3: "image.size.below", 4: "", 5: ""}
    assert dropped.documents[0]["n_images"] == 2
    assert set(kept.tables([])) == {"selected", "node_decisions", "verdicts", "assignments"}
    assert set(made(d, fates, texts=texts).tables([])) == {"selected", "node_decisions", "verdicts"}


def test_splits_by_document_or_domain_strictly_below_the_share():
    d = document(doc_id="a", domain="b")
    for by, key in (("document", "a"), ("domain", "b")):
        share = fraction_of(key, "split 3")
        exact, more = (SelectSettings(split_by=by, validation_share=x) for x in (share, share + 1e-9))
        assert (split_of(d, exact, 3), split_of(d, more, 3)) == ("train", "val")

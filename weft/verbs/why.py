"""weft why RUN WHAT: the whole record of a page, a document or an image."""

from __future__ import annotations

import argparse
from typing import Any

from weft.console import clean, emit


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", help="run folder")
    parser.add_argument("what", help="page URL, document id, image URL, image id or sha256")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--all", action="store_true", help="show rules that passed, and whole texts")


def run(args: argparse.Namespace) -> int:
    from audit.run import Run
    from audit.why import why

    answer = why(Run(args.run), args.what)
    if answer["kind"] == "unknown":
        from pipelines.web.urls import canonical  # another spelling of the address

        if (other := canonical(args.what)) != args.what and (found := why(Run(args.run), other))["kind"] != "unknown":
            answer = found
    if args.json:
        emit(answer)
        return 0
    {"document": _documents, "image": _images, "dead": _dead, "taken": _taken, "unknown": _unknown}[answer["kind"]](answer, args.all)
    return 0


def _documents(answer: dict[str, Any], everything: bool) -> None:
    for capture in answer["captures"]:
        d = capture["document"]
        print(clean(d["url"]))
        print(f"  {verdict(d)}")
        print(f"  document {d['doc_id']}  captured {d['fetched_at']}  language {d['language']} ({d['language_score']:.2f})")
        print(f"  record   {clean(d['warc_path'])} at {d['warc_offset']}, {d['warc_length']} bytes")
        if d["title"]:
            print(f"  title    {clean(d['title'])}")
        if d["shard"]:
            print(f"  shard    {d['shard']} ({d['split']})")
        if capture["twin"]:
            t = capture["twin"]
            alike = f", similarity {d['duplicate_similarity']:.2f}" if d["duplicate_similarity"] is not None else ""
            print(f"  twin     {clean(t['url'])}  ({t['doc_id']}, captured {t['fetched_at']}{alike})")
            print(f"           {_short(t['text'], everything)}")
        for o in capture["optouts"]:
            print(f"  opt-out  {o['signal']}: {clean(o['value'])}{' (acted on)' if o['acted'] else ''}")
        _judged(capture["judged"], everything, "  ")
        print("  the page as extracted:")
        for n in capture["nodes"]:
            mark = "+" if n["kept"] else "-"
            what = _short(n["text"], everything) if n["kind"] == "text" else f"[image] {clean(n['url'])}"
            print(f"  {mark} {n['index']:3} {n['role']:8} {what or '(text not stored)'}")
            if not n["kept"]:
                print(f"                 {n['first_reason']}" + (f" ({n['stage']})" if n["stage"] else ""))
            if n["pair"]:
                p = n["pair"]
                print(f"                 similarity {p.get('pair_similarity') or 0:.3f} with {p['best_kind']} (node {p['best_index']})")
            _judged([j for j in n["judged"] if everything or j["fails"]], everything, "                 ")


def _images(answer: dict[str, Any], everything: bool) -> None:
    for i in answer["images"]:
        print(clean(i["url"]))
        print(f"  fetched: {clean(i['status'])}" + (f" (HTTP {i['http_status']}, {i['bytes']} bytes)" if i.get("bytes") else ""))
        if i.get("sha256"):
            print(f"  sha256 {i['sha256']}  {i.get('format') or ''}  {verdict(i)}")
        _judged(i.get("judged", []), everything, "  ")
        for u in i["uses"]:
            fate = "kept" if u["kept"] else f"dropped at {u['stage']}: {u['first_reason']}"
            print(f"  in {clean(u['url'])} node {u['index']}: {fate}")


def _dead(answer: dict[str, Any], everything: bool) -> None:
    for d in answer["dead"]:
        print(
            f"{clean(d['url'] or d['id'])}\n  dead letter of {d['stage']}: {d['kind']}: {clean(d['message'])}\n  at {clean(d['path'])} offset {d['offset']}"
        )


def _taken(answer: dict[str, Any], everything: bool) -> None:
    how = {"page": "this page", "domain": "everything of its domain", "image": "this image", "content": "a picture of these bytes"}[
        answer["as"]
    ]
    print(f"{clean(answer['asked'])}\n  taken down on request ({how}): {clean(answer['reason'])}")
    print(f"  patch    {answer['patch']}, made against manifest {answer['previous'][:12]}")
    print("  known by hash only; nothing of it is left in this run")


def _unknown(answer: dict[str, Any], everything: bool) -> None:
    print(
        f"{clean(answer['asked'])}\n  never seen in the inputs of this run ({len(answer['inputs'])} inputs, digest {answer['inputs_digest']})"
    )


def verdict(row: dict[str, Any]) -> str:
    """One line: kept, or dropped where and for what."""
    if row["kept"]:
        return "kept"
    more = [r for r in row["reasons"] if r != row["first_reason"]]
    return f"dropped at {row['stage']}: {row['first_reason']}" + (f"  (also {', '.join(more)})" if more else "")


def _judged(judged: list[dict[str, Any]], everything: bool, indent: str) -> None:
    for j in judged:
        if j["side"] and (everything or j["fails"]):
            sign = ">" if j["side"] == "above" else "<"
            word = "FAILS" if j["fails"] else "passes"
            print(f"{indent}{j['rule']} v{j['version']}: {j['measure']} {j['value']:.4g}, {word} limit {sign} {j['limit']:g}")


def _short(text: str, everything: bool) -> str:
    text = clean(" ".join((text or "").split()))
    return text if everything or len(text) <= 110 else text[:109] + "…"

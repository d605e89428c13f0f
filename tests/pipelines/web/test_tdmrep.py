"""tdmrep.json: which paths of a host are reserved, whatever the file holds."""

from __future__ import annotations

import json
import time

import pytest

from pipelines.web.fetch.tdmrep import parse_tdm_file

RULES = [
    {"location": "/open/art/*", "tdm-reservation": 0},
    {"location": "/open/", "tdm-reservation": "1"},
    {"location": "*.jpg$", "tdm-reservation": 1, "tdm-policy": "/policy.json"},
    {"location": "/", "tdm-reservation": 0},
]


@pytest.mark.parametrize(
    ("path", "reserved"),
    [("/open/art/a.jpg", False), ("/open/x.png", True), ("/a/b.jpg", True), ("/a/b.jpg?x=1", False), ("/a/b.png", False), ("", False)],
)
def test_the_first_rule_that_matches_decides(path, reserved):
    file = parse_tdm_file(json.dumps(RULES).encode())
    assert (file.refusal(f"http://a.example{path}") == "opt-out: tdmrep.json") is reserved


NO_RULES = (b"", b"<html>", b"{}", b"[1, null, {}]", b'[{"location": 3, "tdm-reservation": 1}]', b"[" * 100_000, b"\xff\xfe")


@pytest.mark.parametrize("body", NO_RULES)
def test_what_is_no_rule_reserves_nothing(body):
    assert parse_tdm_file(body).refusal("http://a.example/x.jpg") == ""


def test_no_pattern_makes_matching_slow():
    file = parse_tdm_file(json.dumps([{"location": "/" + "*a" * 18 + "b$", "tdm-reservation": 1}]).encode())
    start = time.monotonic()
    file.refusal("http://a.example/" + "a" * 60)
    assert time.monotonic() - start < 20

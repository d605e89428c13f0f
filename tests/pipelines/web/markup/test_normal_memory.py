"""The C++ that reads strangers' pages, under the compiler's sanitizers: no byte outside its buffers, no undefined step."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

import pipelines.web.markup
from pipelines.web.dom import hints, tags
from tests.support.tag_soup import soup

_HARNESS = r"""
#include <cstdio>
#include <cstdlib>
#include <vector>
#include "normal.cpp"
#include "scan.cpp"
#include "vocabulary.h"
void scan(const uint8_t* html, int64_t n, int64_t room) {
  std::vector<uint8_t> out(n + 16);
  std::vector<int32_t> boxes(18 * room), blocks(8 * room), pictures(8 * room), sources(2 * room), whole(4 * 3);
  int64_t sizes[10] = {};
  weft::weft_vocabulary v{KEYS, NUMBERS, sizeof KEYS / sizeof *KEYS, ACTION, FLAGS, SCOPE, STEP, FOUND, P, TITLE};
  weft_scan(&v, html, n, 1000, 64, boxes.data(), room, blocks.data(), room, pictures.data(), room, sources.data(), room, whole.data(), 3, out.data(), sizes);
  if (sizes[5] > n) std::abort();
}
int main(int, char** argv) {
  weft_reference("amp;", 4, '&', 0);
  weft_reference("ngE;", 4, 0x2267, 0x338);
  std::FILE* file = std::fopen(argv[1], "rb");
  uint32_t size;
  while (std::fread(&size, 4, 1, file) == 1) {
    std::vector<uint8_t> exact(size);  // memory of just this size, so that a look beyond it is seen
    if (size && std::fread(exact.data(), 1, size, file) != size) return 2;
    for (int64_t cap : {int64_t(size) + size / 2 + 4096, int64_t(size) + 80, int64_t(70)}) {
      std::vector<uint8_t> out(cap);
      int64_t n = weft_normal(exact.data(), size, out.data(), cap);
      if (n > cap) return 3;
      if (n < 0) continue;
      std::vector<uint8_t> regular(out.begin(), out.begin() + n);
      scan(regular.data(), n, n / 3 + 3);
    }
    scan(exact.data(), size, size + 2);  // not regular
    scan(exact.data(), size, 4);         // nor room for it
  }
}
"""


def _vocabulary() -> str:
    kinds = {
        "KEYS": "uint64_t",
        "NUMBERS": "int32_t",
        "ACTION": "uint8_t",
        "FLAGS": "uint8_t",
        "SCOPE": "int32_t",
        "STEP": "int16_t",
        "FOUND": "int32_t",
    }
    tables = {n: getattr(tags, n, None) if hasattr(tags, n) else getattr(hints, n) for n in kinds}
    lines = [
        f"static const {kinds[n]} {n}[] = {{{', '.join(f'{x}ULL' if n == 'KEYS' else str(x) for x in t.ravel().tolist())}}};"
        for n, t in tables.items()
    ]
    return "\n".join(["#include <cstdint>", *lines, f"static const int32_t P = {tags.NUMBER['p']}, TITLE = {tags.NUMBER['title']};"])


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_no_byte_outside_its_buffers(tmp_path: Path) -> None:
    (tmp_path / "harness.cpp").write_text(_HARNESS)
    (tmp_path / "vocabulary.h").write_text(_vocabulary())
    build = [
        "g++",
        "-O1",
        "-g",
        "-std=c++17",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        "-I",
        str(Path(pipelines.web.markup.__file__).parent),
    ]
    made = subprocess.run(
        [*build, "-o", str(tmp_path / "harness"), str(tmp_path / "harness.cpp")], capture_output=True, text=True, check=False
    )
    if made.returncode and "san" in made.stderr and "cannot find" in made.stderr:
        pytest.skip("the compiler came without its sanitizers")
    assert made.returncode == 0, made.stderr
    rng = random.Random(9)
    pages = [soup(rng) for _ in range(4_000)] + [b"", b"<", b"</", b"<!", b"<!-", b"<!--", b"<a", b"<a ", b"<a b", b"<a b=", b"<a b='", b"&", b"&#", b"&#x",
             b"<script>", b"<script><!--", b"<svg>", b"<svg><", b"<svg></", b"<template><", b"<textarea><", b"\xef\xbb\xbf", b"<b>" * 300, b"<div>" * 1_100,
             b"<svg>" * 300, b"&" * 5_000, b'<p a="' + b"\xc2\xa0" * 3_000 + b'">', b"<table>" * 1_050, b"<table><tr><td>" * 400]  # fmt: skip
    pages += [bytes(rng.choices(b"<>/!-&;\"'= \nabpdivtrsvg#x\xc2\xa0\xff", k=rng.randint(1, 200))) for _ in range(4_000)]
    (tmp_path / "pages").write_bytes(b"".join(len(p).to_bytes(4, "little") + p for p in pages))
    run = subprocess.run([str(tmp_path / "harness"), str(tmp_path / "pages")], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]

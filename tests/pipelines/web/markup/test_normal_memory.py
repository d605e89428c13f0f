"""The C++ that reads strangers' pages, under the compiler's sanitizers: no byte outside its buffers, no undefined step."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

import pipelines.web.markup
from tests.support.tag_soup import soup

_HARNESS = r"""
#include <cstdio>
#include <cstdlib>
#include <vector>
#include "normal.cpp"
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
      if (weft_normal(exact.data(), size, out.data(), cap) > cap) return 3;
    }
  }
}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_no_byte_outside_its_buffers(tmp_path: Path) -> None:
    (tmp_path / "harness.cpp").write_text(_HARNESS)
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

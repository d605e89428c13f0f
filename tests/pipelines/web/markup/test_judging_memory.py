"""The C++ that judges blocks, under the compiler's sanitizers: on tables from seeds that no page would give, no byte outside its buffers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import pipelines.web.markup
from pipelines.web.dom import context, features, hints, pagehints, tags
from pipelines.web.dom.words import FACTS

_HARNESS = r"""
#include <random>
#include "context.cpp"
#include "features.cpp"
#include "ranks.cpp"
#include "words.cpp"
std::mt19937 seeds(7);
int64_t below(int64_t n) { return n > 0 ? int64_t(seeds() % uint64_t(n)) : 0; }
template <typename T> using Exact = std::vector<T>;  // memory of just its size, so that a look beyond it is seen
Exact<uint64_t> set(const Exact<uint64_t>& words, int64_t n) {  // a power of two slots, some of them empty
  Exact<uint64_t> slots(16);
  for (int64_t i = 0; i < std::min<int64_t>(n, words.size()); i++) slots[below(16)] = words[i];
  slots[below(16)] = 0;
  return slots;
}
void page(int64_t n, int64_t m) {
  Exact<uint8_t> text;
  Exact<int32_t> at, stop;
  const char* letters = "aZ 9.,;|\"\xC3\xA9\xE3\x81\x82\xF0\x9F\x98\x80\xFF\x80";
  for (int64_t b = 0; b < n; b++) {
    at.push_back(text.size());
    for (int64_t k = 1 + below(90); k > 0; k--) text.push_back(letters[below(20)]);
    stop.push_back(text.size());
  }
  text.shrink_to_fit();
  Exact<float> facts(weft::FACTS * n);
  Exact<uint64_t> words(text.size());
  Exact<int32_t> first(n + 1);
  Exact<uint8_t> cases(weft::Text::CASES, 1);
  weft_facts(text.data(), at.data(), stop.data(), n, cases.data(), facts.data(), words.data(), first.data());
  Exact<int32_t> boxes(18 * m), blocks(8 * n);
  for (int64_t c = 0; c < m; c++) {
    const auto put = [&](int row, int64_t value) { boxes[row * m + c] = int32_t(value); };
    put(weft::PARENT, below(c));
    put(weft::TAG, below(TAGS));
    for (int row : {weft::HINT, weft::INHERITED, weft::SCOPES}) put(row, int32_t(seeds()));
    put(weft::START, c ? below(n + 1) : 0);
    put(weft::END, c ? boxes[weft::START * m + c] + below(n + 1 - boxes[weft::START * m + c]) : n);
    put(weft::DEPTH, below(600));
    put(weft::NAME_AT, below(text.size()));
    put(weft::NAME_END, boxes[weft::NAME_AT * m + c] + below(text.size() - boxes[weft::NAME_AT * m + c]));
    for (int row : {weft::PICTURES, weft::CONTROLS, weft::TIMES}) {
      put(row, below(9));
      put(row + 1, boxes[row * m + c] + below(3000));
    }
  }
  for (int64_t b = 0; b < n; b++) {
    for (int row : {weft::LINKED, weft::LINKS, weft::BREAKS, weft::STRONGS, weft::CODES}) blocks[row * n + b] = int32_t(below(99));
    blocks[weft::BOX * n + b] = int32_t(below(m));
  }
  const Exact<uint64_t> title = set(words, below(9)), summary = set(words, below(9)), told = set(words, below(9));
  Exact<float> kinds(TAGS), about(PAGE), x(FEATURES * n), around(AROUND * n), chance(n);
  for (float& k : kinds) k = float(below(15));
  for (float& p : chance) p = float(below(100)) / 100;
  Exact<int32_t> up(m), group(n), twin_group(m);
  weft::weft_measured in{text.data(), boxes.data(), m, blocks.data(), n, facts.data(), words.data(), first.data(), title.data(), 16, summary.data(), 16,
    told.data(), 16, kinds.data(), SCOPES, HINTS, 3, 4, about.data(), PAGE, up.data(), group.data(), twin_group.data(), 0, 0, x.data()};
  weft_measure(&in);
  weft::weft_judged judged{chance.data(), boxes.data(), m, blocks.data(), n, facts.data(), x.data() + 22 * n, up.data(), group.data(), twin_group.data(),
    in.n_groups, in.n_twins, around.data()};
  weft_look_around(&judged);
  Exact<int32_t> of(FEATURES + 1);
  for (int f = 0; f < FEATURES; f++) of[f + 1] = of[f] + int32_t(below(4));
  Exact<float> cuts(of[FEATURES], 0.5F), leaf(8 * 32), odds(n);
  Exact<int8_t> ranks((n + weft::TILE - 1) / weft::TILE * FEATURES * weft::TILE), rank(8 * weft::DEEPEST, 127);
  Exact<uint32_t> feature(8 * weft::DEEPEST);
  for (int k = 0; k < 8 * weft::DEEPEST; k++)
    if (k % weft::DEEPEST < 5) feature[k] = uint32_t(below(FEATURES)), rank[k] = int8_t(below(3));
  weft_rank(x.data(), FEATURES, n, of.data(), cuts.data(), 0, FEATURES, ranks.data());
  weft_log_odds(ranks.data(), FEATURES, feature.data(), rank.data(), leaf.data(), 32, 8, odds.data(), n);
}
int main() {
  for (int64_t n : {0, 1, 2, 15, 16, 17, 191, 192, 193, 385})
    for (int64_t m : {1, 2, 40, 700})
      for (int k = 0; k < 5; k++) page(n, m);
}
"""


@pytest.mark.parametrize("plain", [False, True], ids=["as built", "without SSE2"])
@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++")
def test_no_byte_outside_its_buffers(tmp_path: Path, plain: bool) -> None:
    sizes = {
        "FEATURES": len(features.NAMES), "AROUND": len(context.NAMES), "PAGE": len(pagehints.NAMES), "SCOPES": len(tags.SCOPE_NAMES),
        "HINTS": len(hints.NAMES), "TAGS": len(features.KIND),
    }  # fmt: skip
    assert features.NAMES[22] == "kind"
    names = "\n".join(f"constexpr int {name} = {size};" for name, size in sizes.items())
    (tmp_path / "harness.cpp").write_text(f"{names}\n{_HARNESS}\nstatic_assert(weft::FACTS == {FACTS});\n")
    build = [
        "g++",
        "-O1",
        "-g",
        "-std=c++17",
        "-fsanitize=address,undefined",
        "-fno-sanitize-recover=all",
        *(["-U__SSE2__"] if plain else []),
    ]
    made = subprocess.run(
        [*build, "-I", str(Path(pipelines.web.markup.__file__).parent), "-o", str(tmp_path / "harness"), str(tmp_path / "harness.cpp")],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode and "san" in made.stderr and "cannot find" in made.stderr:
        pytest.skip("the compiler came without its sanitizers")
    assert made.returncode == 0, made.stderr
    run = subprocess.run([str(tmp_path / "harness")], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]

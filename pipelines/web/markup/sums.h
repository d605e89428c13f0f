// Sums, groups and hashes over a page's blocks and containers.
#pragma once

#include <algorithm>
#include <vector>

#include "page_tables.h"
#include "words.h"

namespace weft {

template <typename T>
struct Rows {  // a matrix, row by row
  T* at;
  Size n;  // entries of a row
  T* operator[](Size row) const { return at + row * n; }
};

using Sums = std::vector<double>;

struct Running {  // the sum of a row over any range of it is the difference of two running sums
  Sums sums;

  template <typename T>
  Running(const T* values, Size n) : sums(n + 1) {
    for (Size i = 0; i < n; i++) sums[i + 1] = sums[i] + values[i];
  }

  double upto(Size end) const { return sums[end]; }
  double over(Size start, Size end) const { return sums[end] - sums[start]; }
};

// number the distinct keys in their order, into `group`; how many there are
inline Size number_groups(const std::vector<uint64_t>& keys, int32_t* group) {
  const Size n = static_cast<Size>(keys.size());
  Size size = 16;
  while (size < 2 * n) size *= 2;
  const uint64_t mask = static_cast<uint64_t>(size - 1);
  std::vector<int32_t> table(size, -1);
  int32_t distinct = 0;
  for (Size i = 0; i < n; i++) {
    uint64_t at = keys[i] & mask;
    while (table[at] >= 0 && keys[table[at]] != keys[i]) at = (at + 1) & mask;
    if (table[at] < 0) {
      table[at] = static_cast<int32_t>(i);
      group[i] = distinct++;
    } else {
      group[i] = group[table[at]];
    }
  }
  return distinct;
}

// for each container the next one above it that holds more blocks (the body is above itself)
inline void ladder(const Rows<const int32_t>& boxes, int32_t* up) {
  if (boxes.n) up[0] = 0;
  for (Size c = 1; c < boxes.n; c++) {
    const int32_t p = boxes[PARENT][c];
    const bool same = boxes[START][p] == boxes[START][c] && boxes[END][p] == boxes[END][c];
    up[c] = same ? up[p] : p;
  }
}

struct Signatures {
  static constexpr int32_t LONGEST = 256;  // bytes of a class attribute that tell elements apart
  static constexpr uint64_t SPREAD = 0x9E3779B97F4A7C15ULL;
  std::vector<uint64_t> own, path;  // of each container: hash of its tag and class, of its path from the body

  // digits in a class are left out: `post-17` is `post-`
  Signatures(const Byte* html, const Rows<const int32_t>& boxes) : own(boxes.n), path(boxes.n) {
    for (Size c = 0; c < boxes.n; c++) {
      uint64_t h = static_cast<uint64_t>(boxes[TAG][c]) + 1469598103934665603ULL;
      const int32_t at = boxes[NAME_AT][c], end = std::min(boxes[NAME_END][c], at + LONGEST);
      for (int32_t i = at; i < end; i++)
        if (html[i] < '0' || html[i] > '9') h = (h ^ html[i]) * 0x100000001B3ULL;
      own[c] = mixed(h);
      path[c] = c ? mixed(own[c] ^ (path[boxes[PARENT][c]] * SPREAD)) : own[c];
    }
  }
};

struct Told {  // what a page says of itself, as sets of hashes: words of its title and summary, three-word runs of its structured data
  Set title, summary, runs;

  // Into four rows: the share of each block's words that are in the title, how much of the title they are, the share of them in the page's
  // summary, and of its three-word runs in the structured data; -1 where there is nothing to compare with.
  void shares(const uint64_t* word, const int32_t* first, const Rows<float>& x) const {
    const Size n_title = title.size(), n_summary = summary.size(), n_runs = runs.size();
    for (Size b = 0; b < x.n; b++) {
      const uint64_t *at = word + first[b], *end = word + first[b + 1];
      const Size count = end - at, size = std::max<Size>(1, count);
      const Size hits = n_title ? held(title, at, end) : 0;
      const Size covered = hits && count < 60 ? distinct(title, at, end) : 0;
      x[0][b] = n_title ? static_cast<float>(static_cast<double>(hits) / size) : -1;
      x[1][b] = n_title ? static_cast<float>(static_cast<double>(covered) / n_title) : -1;
      x[2][b] = n_summary && size >= 4 ? static_cast<float>(static_cast<double>(held(summary, at, end)) / size) : -1;
      x[3][b] = n_runs && count >= 3 ? static_cast<float>(static_cast<double>(held_runs(at, end)) / (count - 2)) : -1;
    }
  }

 private:
  static Size held(const Set& set, const uint64_t* at, const uint64_t* end) {
    return std::count_if(at, end, [&](uint64_t w) { return set.holds(w); });
  }

  static Size distinct(const Set& set, const uint64_t* at, const uint64_t* end) {
    Size found = 0;
    for (const uint64_t* w = at; w < end; w++) found += set.holds(*w) && std::find(at, w, *w) == w;
    return found;
  }

  Size held_runs(const uint64_t* at, const uint64_t* end) const {
    Size found = 0;
    for (const uint64_t* w = at; w + 2 < end; w++) {
      uint64_t h = 0;
      for (int k = 0; k < 3; k++) h = (h ^ w[k]) * Signatures::SPREAD;
      found += runs.holds(mixed(h));
    }
    return found;
  }
};

}  // namespace weft

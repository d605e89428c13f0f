// The trees that judge blocks, asked for a tile of blocks at a time; dom/ranks.py has the how and why, and the meaning of the tables.

#include <algorithm>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "source.h"

namespace weft {

constexpr Size TILE = 192;    // blocks, as in dom/ranks.py
constexpr int DEEPEST = 6;    // levels of a tree
constexpr Size TOGETHER = 4;  // trees whose leaves are added in one go
constexpr Size STEP = 16;     // blocks that are compared at once; a tile is a multiple

// how many of the ascending cuts lie below each of STEP values; NaN is above none
void rank(const float* value, const float* cut, const float* cuts_end, int8_t* out) {
#ifdef __SSE2__
  const __m128 a = _mm_loadu_ps(value), b = _mm_loadu_ps(value + 4), c = _mm_loadu_ps(value + 8), d = _mm_loadu_ps(value + 12);
  __m128i sum = _mm_setzero_si128();
  for (; cut < cuts_end; cut++) {
    const __m128 t = _mm_set1_ps(*cut);
    const auto above = [&](__m128 v) { return _mm_castps_si128(_mm_cmplt_ps(t, v)); };
    sum = _mm_sub_epi8(sum, _mm_packs_epi16(_mm_packs_epi32(above(a), above(b)), _mm_packs_epi32(above(c), above(d))));  // yes is -1
  }
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), sum);
#else
  for (Size i = 0; i < STEP; i++) out[i] = static_cast<int8_t>(std::count_if(cut, cuts_end, [&](float t) { return value[i] > t; }));
#endif
}

// of n values, at most a tile
void rank_row(const float* value, Size n, const float* cut, const float* cuts_end, int8_t* out) {
  Size i = 0;
  for (; i + STEP <= n; i += STEP) rank(value + i, cut, cuts_end, out + i);
  if (i == n) return;
  float last[STEP] = {};  // the values that are left, and as many that nobody asks for
  std::copy(value + i, value + n, last);
  rank(last, cut, cuts_end, out + i);
}

struct Tree {  // bit d of the leaf: ranks of feature[d] > rank[d]
  const uint32_t* feature;
  const int8_t* rank;

  // the leaf of each of `width` blocks (a multiple of STEP) of a tile
  void ask(const int8_t* tile, Size width, Byte* leaf) const {
    const int8_t* of[DEEPEST];
    for (int d = 0; d < DEEPEST; d++) of[d] = tile + feature[d] * TILE;
#ifdef __SSE2__
    __m128i cut[DEEPEST];
    for (int d = 0; d < DEEPEST; d++) cut[d] = _mm_set1_epi8(rank[d]);
    for (Size i = 0; i < width; i += STEP) {
      __m128i found = _mm_setzero_si128();
      for (int d = 0; d < DEEPEST; d++) {
        const __m128i yes = _mm_cmpgt_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(of[d] + i)), cut[d]);
        found = _mm_or_si128(found, _mm_and_si128(yes, _mm_set1_epi8(static_cast<char>(1 << d))));
      }
      _mm_storeu_si128(reinterpret_cast<__m128i*>(leaf + i), found);
    }
#else
    for (Size i = 0; i < width; i++) {
      int found = 0;
      for (int d = 0; d < DEEPEST; d++) found |= (of[d][i] > rank[d]) << d;
      leaf[i] = static_cast<Byte>(found);
    }
#endif
  }
};

}  // namespace weft

extern "C" {

// Fill `out` (int8: tiles, features of the scale, TILE) for the features from `start` on with the ranks of `x`, rows of n.
void weft_rank(const float* x, int64_t rows, int64_t n, const int32_t* first, const float* cuts, int64_t start, int64_t features, int8_t* out) {
  using weft::TILE;
  for (int64_t at = 0; at < n; at += TILE, out += features * TILE)
    for (int64_t f = 0; f < rows; f++) {
      const float *cut = cuts + first[start + f], *end = cuts + first[start + f + 1];
      if (cut < end) weft::rank_row(x + f * n + at, std::min(TILE, n - at), cut, end, out + (start + f) * TILE);
    }
}

// Add to each of n `odds` its leaves of the trees, which are whole groups of TOGETHER, in their order; `leaf` has `leaves` entries a tree.
void weft_log_odds(const int8_t* ranks, int64_t features, const uint32_t* feature, const int8_t* rank, const float* leaf, int64_t leaves, int64_t trees,
                   float* odds, int64_t n) {
  using namespace weft;
  Byte found[TOGETHER][TILE];
  for (Size at = 0; at < n; at += TILE, ranks += features * TILE, odds += TILE) {
    const Size count = std::min(TILE, n - at), width = (count + STEP - 1) / STEP * STEP;
    for (Size t = 0; t < trees; t += TOGETHER) {
      for (Size k = 0; k < TOGETHER; k++) Tree{feature + (t + k) * DEEPEST, rank + (t + k) * DEEPEST}.ask(ranks, width, found[k]);
      const float *a = leaf + t * leaves, *b = a + leaves, *c = b + leaves, *d = c + leaves;
      for (Size i = 0; i < count; i++) odds[i] = odds[i] + a[found[0][i]] + b[found[1][i]] + c[found[2][i]] + d[found[3][i]];
    }
  }
}
}

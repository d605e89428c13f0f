// What the blocks around a block were judged to be: row by row in the order of NAMES in dom/context.py. As with features.cpp, the last bit of
// these numbers counts.

#include <cmath>

#include "sums.h"

namespace weft {

extern "C" struct weft_judged {  // a measured page (see features.cpp) and the chances of its blocks
  const float* chance;
  const int32_t* boxes;
  Size n_boxes;
  const int32_t* blocks;
  Size n_blocks;
  const float *length, *kind;
  const int32_t *up, *group, *twin_group;
  Size n_groups, n_twins;
  float* x;
};

struct Mass {  // weight of text, and how much of it was judged to be content
  double weight = 0, mass = 0;

  void add(double w, double p) {
    weight += w;
    mass += p;
  }
};

struct LookingAround {
  static constexpr int LEVELS = 5;  // containers above a block
  static constexpr int KINDS = 16;
  enum Row { CHANCE, NEIGHBOURS, SIDES = 7, MEANS = 13, SHARES = MEANS + LEVELS, OF_PATH = SHARES + LEVELS, OF_KIND, BEST_BEFORE, BEST_AFTER, OF_PAGE,
             KEPT, OF_TWINS };

  const weft_judged& in;
  const Size n = in.n_blocks, m = in.n_boxes;
  const Rows<const int32_t> boxes{in.boxes, m};
  const int32_t* box = Rows<const int32_t>{in.blocks, n}[BOX];
  const float* p = in.chance;
  std::vector<float> weights = std::vector<float>(n), masses = std::vector<float>(n);
  double kept = 0;
  const Rows<float> x{in.x, n};

  explicit LookingAround(const weft_judged& page) : in(page) {
    for (Size b = 0; b < n; b++) {
      weights[b] = std::min(in.length[b], 400.0F) + 10;  // a long text does not outvote all others, a short one has a voice
      masses[b] = weights[b] * p[b];
      kept += in.length[b] * p[b];
    }
  }

  void run() const {
    const Running weight{weights.data(), n}, mass{masses.data(), n};
    chances();
    sides(weight, mass);
    containers(weight, mass);
    alike();
    best();
    page(weight, mass);
  }

  void chances() const {  // of the block, of its neighbours
    std::copy(p, p + n, x[CHANCE]);
    int r = NEIGHBOURS;
    for (Size k = 1; k < 4; k++)
      for (Size step : {-k, k}) {
        float* to = x[r++];
        for (Size b = 0; b < n; b++) to[b] = 0 <= b + step && b + step < n ? p[b + step] : -1;
      }
  }

  void sides(const Running& weight, const Running& mass) const {
    int r = SIDES;
    for (Size k : {3, 8, 20}) {
      float *before = x[r++], *behind = x[r++];
      for (Size b = 0; b < n; b++) {
        const Size lo = std::max<Size>(b - k, 0), hi = std::min(b + k + 1, n), after = std::min(b + 1, n);
        before[b] = static_cast<float>(mass.over(lo, b) / std::max(1.0, weight.over(lo, b)));
        behind[b] = static_cast<float>(mass.over(after, hi) / std::max(1.0, weight.over(after, hi)));
      }
    }
  }

  void containers(const Running& weight, const Running& mass) const {
    std::vector<Mass> of_twins(in.n_twins);
    std::vector<float> mean(m), share(m);
    const double all = std::max(1.0, mass.upto(n));
    for (Size c = 0; c < m; c++) {
      const double w = weight.over(boxes[START][c], boxes[END][c]), held = mass.over(boxes[START][c], boxes[END][c]);
      if (c) of_twins[in.twin_group[c]].add(w, held);
      mean[c] = static_cast<float>(held / std::max(1.0, w));
      share[c] = static_cast<float>(held / all);
    }
    const Rows<float> means{x[MEANS], n}, shares{x[SHARES], n};
    float* twin = x[OF_TWINS];
    for (Size b = 0; b < n; b++) {
      int32_t c = box[b];
      double found = -1, size = 0;
      for (int k = 0; k < LEVELS; k++) {
        means[k][b] = mean[c];
        shares[k][b] = share[c];
        if (c) {  // of the larger families of containers, the largest
          const Mass& family = of_twins[in.twin_group[c]];
          if (family.weight > size && family.weight > 1.2 * weight.over(boxes[START][c], boxes[END][c]))
            found = family.mass / family.weight, size = family.weight;
        }
        c = in.up[c];
      }
      twin[b] = static_cast<float>(found);
    }
  }

  void alike() const {  // blocks of the same path, of the same kind
    std::vector<Mass> paths(in.n_groups);
    Mass kinds[KINDS];
    for (Size b = 0; b < n; b++) {
      paths[in.group[b]].add(weights[b], masses[b]);
      kinds[static_cast<int>(in.kind[b])].add(weights[b], masses[b]);
    }
    for (Size b = 0; b < n; b++) {
      const Mass &path = paths[in.group[b]], &kind = kinds[static_cast<int>(in.kind[b])];
      x[OF_PATH][b] = static_cast<float>(path.mass / path.weight);
      x[OF_KIND][b] = static_cast<float>(kind.mass / kind.weight);
    }
  }

  void best() const {  // before, after
    float so_far = -1;
    for (Size b = 0; b < n; so_far = std::max(so_far, p[b++])) x[BEST_BEFORE][b] = so_far;
    so_far = -1;
    for (Size b = n; b-- > 0; so_far = std::max(so_far, p[b])) x[BEST_AFTER][b] = so_far;
  }

  void page(const Running& weight, const Running& mass) const {
    const float mean = static_cast<float>(mass.upto(n) / weight.upto(n)), size = static_cast<float>(std::log1p(kept));
    std::fill(x[OF_PAGE], x[OF_PAGE] + n, mean);
    std::fill(x[KEPT], x[KEPT] + n, size);
  }
};

}  // namespace weft

extern "C" {

// Fill `x`, a row per feature.
void weft_look_around(const weft::weft_judged* page) { weft::LookingAround{*page}.run(); }
}

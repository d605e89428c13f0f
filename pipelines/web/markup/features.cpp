// What each block of a page looks like, as numbers: row by row in the order of NAMES in dom/features.py, which says what they mean.
//
// The model was fitted to these numbers, so their last bit counts: sums are doubles, what is kept is float, and a logarithm is taken in the
// precision of what it is taken of. Whoever changes the order of an expression here changes the model's answers.

#include <cmath>

#include "sums.h"

namespace weft {

extern "C" struct weft_measured {  // a scanned page and where its features go; matrices are row by row
  const Byte* html;
  const int32_t* boxes;
  Size n_boxes;
  const int32_t* blocks;
  Size n_blocks;
  const float* facts;
  const uint64_t* word;  // hashes of the words; those of block b stand at [first[b], first[b + 1])
  const int32_t* first;
  const uint64_t* title;  // sets, see Set
  Size title_slots;
  const uint64_t* summary;
  Size summary_slots;
  const uint64_t* told;
  Size told_slots;
  const float* kinds;  // of block, by the number of an element
  Size scopes, hints;  // bits
  int32_t article, forum;  // number of the element, bit of the hint
  const float* page;  // what is the same for all blocks
  Size n_page;
  int32_t *up, *group, *twin_group;  // for the second look: see `ladder`; blocks by path; containers by parent, tag and class
  Size n_groups, n_twins;
  float* x;
};

struct Logs {  // log(1 + k): of small whole numbers from a table, as a logarithm costs as much as thirty sums
  static constexpr int KNOWN = 1 << 10;
  double wide[KNOWN];
  float narrow[KNOWN];

  Logs() {
    for (int k = 0; k < KNOWN; k++) wide[k] = std::log1p(static_cast<double>(k)), narrow[k] = std::log1p(static_cast<float>(k));
  }

  float of(float k) const { return k < KNOWN ? narrow[static_cast<int>(k)] : std::log1p(k); }
  double of(double k) const { return k < KNOWN ? wide[static_cast<int>(k)] : std::log1p(k); }
  double of(Size k) const { return of(static_cast<double>(k)); }
};

const Logs& logs() {
  static const Logs made;
  return made;
}

// log(1 + x) where x mostly is nothing
double log1p_of(double x) { return x == 0 ? x : std::log1p(x); }

// log2 of a count, which mostly is one
template <typename T>
T log2_of(T k) {
  return k > 1 ? std::log2(k) : 0;
}

struct Measuring {
  static constexpr int LEVELS = 5;      // containers above a block, as in dom/context.py
  static constexpr Size FAR = 60;       // blocks
  static constexpr float HEADLINE = 8;  // the kind of <h1>; headings are 8 to 12
  enum BoxFact { SHARE, LINK_SHARE, PROSE, PER_BLOCK, N_BLOCKS_LOG, STOPS_SHARE, HEADINGS, PICTURES_LOG, CONTROLS_LOG, TIMES_LOG, KIND, TWINS, TWIN_SHARE,
                 TWIN_MEAN, BOX_FACTS };

  weft_measured& in;
  const Size n = in.n_blocks, m = in.n_boxes;
  const Rows<const int32_t> boxes{in.boxes, m}, blocks{in.blocks, n};
  const Rows<const float> facts{in.facts, n};
  const int32_t* box = blocks[BOX];
  const float *length = facts[LENGTH], *n_words = facts[WORDS];
  const Logs& log1p = logs();
  float* x = in.x;  // the next row

  // of each block: characters in links, of longer texts with few links, outside links; whether it is a heading; its kind of element
  std::vector<float> link = zeros(), prose = zeros(), plain = zeros(), heading = zeros(), kind = zeros(), most_twins = zeros();
  double total = 0, all_link = 0, all_prose = 0, longest = 0;
  bool some_prose = false;
  Size longest_at = 0, title_at = -1;

  explicit Measuring(weft_measured& page) : in(page) {}

  std::vector<float> zeros() const { return std::vector<float>(n); }

  Rows<float> rows(int k) {  // the next k rows
    Rows<float> at{x, n};
    x += k * n;
    return at;
  }

  template <typename F>
  void row(F value) {  // the next row: value(b) of each block
    float* to = rows(1).at;
    for (Size b = 0; b < n; b++) to[b] = static_cast<float>(value(b));
  }

  void run() {
    look();
    const Rows<float> text = rows(27);
    texts(text);
    names();
    const Running run_length{length, n}, run_prose{prose.data(), n}, run_plain{plain.data(), n};
    const Signatures signature{in.html, boxes};
    ladder(boxes, in.up);
    const std::vector<float> of_box = containers(run_length, run_prose, signature);
    const Rows<const float> held{of_box.data(), m};
    levels(held);
    paths(signature);
    for (double share : {0.9, 0.6, 0.4}) root(share * all_prose, run_prose, held);
    meeting(title_at, held);
    meeting(longest_at, held);
    places(text[19], run_length, run_prose);
    neighbours(text[0], text[3]);
    for (Size k : {4, 12}) around(k, run_plain, run_prose);
    page(held);
  }

  void look() {
    for (Size b = 0; b < n; b++) {
      link[b] = std::min(length[b], static_cast<float>(blocks[LINKED][b]));
      plain[b] = length[b] - link[b];
      kind[b] = in.kinds[boxes[TAG][box[b]]];
      heading[b] = HEADLINE <= kind[b] && kind[b] <= 12;
      prose[b] = link[b] < 0.35 * length[b] && (n_words[b] >= 12 || length[b] >= 60) ? plain[b] : 0;
      total += length[b];
      all_link += link[b];
      all_prose += prose[b];
      if (plain[b] > longest) longest = plain[b], longest_at = b;
    }
    some_prose = all_prose > 0;
    all_prose = std::max(1.0, all_prose);
  }

  void texts(const Rows<float>& to) {
    for (Size b = 0; b < n; b++) {
      const float w = n_words[b], size = length[b];
      to[0][b] = log1p.of(size);
      to[1][b] = log1p.of(w);
      to[2][b] = size / w;
      to[3][b] = link[b] / size;
      to[4][b] = static_cast<float>(blocks[LINKS][b]);
      to[5][b] = facts[COMMAS][b] / w;
      to[6][b] = facts[STOPS][b] / w;
      to[7][b] = facts[ENDS][b];
      to[8][b] = facts[DIGIT][b];
      to[9][b] = facts[UPPER][b];
      to[10][b] = facts[SHOUT][b];
      to[11][b] = facts[MARK][b];
      to[12][b] = static_cast<float>(std::min(4, blocks[BREAKS][b]));
      to[13][b] = log2_of(facts[COPIES][b]);
      to[14][b] = log2_of(facts[ALIKE][b]);
      to[15][b] = facts[DIGITS][b] / size;
      to[16][b] = static_cast<float>(blocks[STRONGS][b]);
      to[17][b] = static_cast<float>(blocks[CODES][b]);
      to[22][b] = kind[b];
      to[23][b] = kind[b] == 1;
      to[24][b] = kind[b] == 2;
      to[25][b] = heading[b];
      to[26][b] = static_cast<float>(boxes[DEPTH][box[b]]);
    }
    const Told told{{in.title, in.title_slots}, {in.summary, in.summary_slots}, {in.told, in.told_slots}};
    told.shares(in.word, in.first, {to[18], n});
    double best = 0;
    for (Size b = 0; b < n; b++) {
      const float alike = to[18][b] * to[19][b];
      const double likeness = alike * (kind[b] == HEADLINE ? 1.3 : heading[b] ? 1.1 : link[b] > 0 ? 0.5 : 1.0);
      if (to[18][b] > 0 && likeness > best + 0.01) best = likeness, title_at = b;
    }
  }

  // names, bit by bit: of the block's container and the one above it, of the two above those (half), of all of them (a quarter)
  void names() {
    std::vector<int32_t> near(n), middle(n), far(n), here(n), scope(n);
    for (Size b = 0; b < n; b++) {
      const int32_t c = box[b], up1 = boxes[PARENT][c], up2 = boxes[PARENT][up1], up3 = boxes[PARENT][up2];
      scope[b] = boxes[SCOPES][c];
      here[b] = boxes[HINT][c];
      far[b] = boxes[INHERITED][c];
      near[b] = here[b] | boxes[HINT][up1];
      middle[b] = boxes[HINT][up2] | boxes[HINT][up3];
    }
    for (Size k = 0; k < in.scopes; k++) row([&](Size b) { return (scope[b] >> k) & 1; });
    for (Size k = 0; k < in.hints; k++)
      row([&](Size b) { return 0.25F * static_cast<float>(4 * ((near[b] >> k) & 1) + 2 * ((middle[b] >> k) & 1) + ((far[b] >> k) & 1)); });
    for (Size k = 0; k < in.hints; k++) row([&](Size b) { return (here[b] >> k) & 1; });
  }

  // BOX_FACTS rows of each container
  std::vector<float> containers(const Running& run_length, const Running& run_prose, const Signatures& signature) {
    const Running run_link{link.data(), n}, run_stops{facts[STOPS], n}, run_heading{heading.data(), n};
    std::vector<uint64_t> keys(m);
    for (Size c = 0; c < m; c++) keys[c] = signature.own[c] + static_cast<uint64_t>(boxes[PARENT][c]) * Signatures::SPREAD;
    in.n_twins = number_groups(keys, in.twin_group);
    Sums twins(in.n_twins), twin_text(in.n_twins);
    std::vector<float> made(BOX_FACTS * m);
    const Rows<float> to{made.data(), m};
    for (Size c = 0; c < m; c++) {
      const Size s = boxes[START][c], e = boxes[END][c], count = std::max<Size>(1, e - s);
      const double size = run_length.over(s, e), some = std::max(1.0, size);
      if (c) {  // the body has no twins
        twins[in.twin_group[c]] += 1;
        twin_text[in.twin_group[c]] += size;
      }
      to[SHARE][c] = static_cast<float>(some / total);
      to[LINK_SHARE][c] = static_cast<float>(run_link.over(s, e) / some);
      to[PROSE][c] = static_cast<float>(run_prose.over(s, e) / all_prose);
      to[PER_BLOCK][c] = static_cast<float>(std::log1p(some / static_cast<double>(count)));
      to[N_BLOCKS_LOG][c] = static_cast<float>(log1p.of(count));
      to[STOPS_SHARE][c] = static_cast<float>(run_stops.over(s, e) / some * 100);
      to[HEADINGS][c] = static_cast<float>(log1p.of(run_heading.over(s, e)));
      to[PICTURES_LOG][c] = log_of(PICTURES, c);
      to[CONTROLS_LOG][c] = log_of(CONTROLS, c);
      to[TIMES_LOG][c] = log_of(TIMES, c);
      to[KIND][c] = in.kinds[boxes[TAG][c]];
    }
    std::vector<float> count(in.n_twins), share(in.n_twins), mean(in.n_twins);
    for (Size g = 0; g < in.n_twins; g++) {
      count[g] = static_cast<float>(log2_of(twins[g]));
      share[g] = static_cast<float>(twin_text[g] / total);
      mean[g] = static_cast<float>(log1p_of(twin_text[g] / std::max(1.0, twins[g])));
    }
    for (Size c = 0; c < m; c++) {
      const int32_t g = in.twin_group[c], p = boxes[PARENT][c];
      to[TWINS][c] = count[g];
      to[TWIN_SHARE][c] = share[g];
      to[TWIN_MEAN][c] = mean[g];
      // of several containers around the same blocks, the one with most siblings alike speaks for all
      if (c && p && in.up[c] == in.up[p] && to[TWINS][p] > to[TWINS][c])
        for (int k : {TWINS, TWIN_SHARE, TWIN_MEAN}) to[k][c] = to[k][p];
    }
    return made;
  }

  float log_of(BoxRow what, Size c) const {  // how many of them a container holds; the row after says where they end
    return static_cast<float>(log1p.of(static_cast<Size>(boxes[what + 1][c] - boxes[what][c])));
  }

  void levels(const Rows<const float>& held) {
    std::vector<int32_t> at(box, box + n);
    for (int k = 0; k < LEVELS; k++) {
      for (int j = 0; j < BOX_FACTS; j++) row([&, from = held[j]](Size b) { return from[at[b]]; });
      for (Size b = 0; b < n; b++) {
        if (k < 4) most_twins[b] = std::max(most_twins[b], held[TWINS][at[b]]);
        at[b] = in.up[at[b]];
      }
    }
  }

  // blocks that stand at the end of the same path of tags and classes
  void paths(const Signatures& signature) {
    struct Group {
      double count = 0, size = 0, link = 0, prose = 0, first = -1, last = 0;
    };
    std::vector<uint64_t> keys(n);
    for (Size b = 0; b < n; b++) keys[b] = signature.path[box[b]];
    in.n_groups = number_groups(keys, in.group);
    std::vector<Group> groups(in.n_groups);
    for (Size b = 0; b < n; b++) {
      Group& g = groups[in.group[b]];
      g.count += 1;
      g.size += length[b];
      g.link += link[b];
      g.prose += prose[b];
      if (g.first < 0) g.first = static_cast<double>(b);
      g.last = static_cast<double>(b);
    }
    std::vector<float> said(6 * in.n_groups);
    const Rows<float> of{said.data(), in.n_groups};
    for (Size k = 0; k < in.n_groups; k++) {
      const Group& g = groups[k];
      of[0][k] = static_cast<float>(log1p.of(g.count));
      of[1][k] = static_cast<float>(g.size / total);
      of[2][k] = static_cast<float>(g.link / g.size);
      of[3][k] = static_cast<float>(std::log1p(g.size / g.count));
      of[4][k] = static_cast<float>(g.prose / all_prose);
      of[5][k] = static_cast<float>((g.last - g.first) / static_cast<double>(n));
    }
    for (int j = 0; j < 6; j++) row([&, from = of[j]](Size b) { return from[in.group[b]]; });
  }

  // the deepest container with so much prose, and where each block stands to it
  void root(double wanted, const Running& run_prose, const Rows<const float>& held) {
    Size root = 0, depth = -1;
    for (Size c = 0; some_prose && c < m; c++)
      if (run_prose.over(boxes[START][c], boxes[END][c]) >= wanted && boxes[DEPTH][c] >= depth) root = c, depth = boxes[DEPTH][c];
    const Size s = boxes[START][root], e = boxes[END][root];
    const double size = static_cast<double>(std::max<Size>(1, e - s));
    row([&](Size b) { return s <= b && b < e; });
    row([&](Size b) { return static_cast<double>(std::max<Size>(0, s - b) - std::max<Size>(0, b - e + 1)) / static_cast<double>(n); });
    row([&](Size) { return held[LINK_SHARE][root]; });
    row([&](Size b) { return std::min(2.0, std::max(-1.0, static_cast<double>(b - s) / size)); });
  }

  // how far up a block meets the target
  void meeting(Size target, const Rows<const float>& held) {
    const Rows<float> to = rows(3);
    for (Size b = 0; b < n; b++) {
      if (target < 0) {
        to[0][b] = to[1][b] = -1;
        to[2][b] = 99;
        continue;
      }
      int32_t c = box[b];
      int steps = 0;
      for (; c && !(boxes[START][c] <= target && target < boxes[END][c]); c = in.up[c]) steps++;
      to[0][b] = static_cast<float>(steps);
      to[1][b] = held[SHARE][c];
      to[2][b] = static_cast<float>(std::min(FAR, std::max(-FAR, b - target)));
    }
  }

  void places(const float* covers_title, const Running& run_length, const Running& run_prose) {
    Size h1 = -1, last = -1;
    float best = -2, last_kind = 0;
    for (Size b = 0; b < n; b++)
      if (kind[b] == HEADLINE && covers_title[b] > best) h1 = b, best = covers_title[b];
    const Rows<float> to = rows(7);
    for (Size b = 0; b < n; b++) {
      if (heading[b]) last = b, last_kind = kind[b];
      to[0][b] = static_cast<float>(run_length.upto(b) / total);
      to[1][b] = static_cast<float>(log1p.of(b));
      to[2][b] = static_cast<float>(log1p.of(n - 1 - b));
      to[3][b] = static_cast<float>(run_prose.upto(b) / all_prose);
      to[4][b] = static_cast<float>(h1 >= 0 ? std::min<Size>(50, std::max<Size>(-50, b - h1)) : 99);
      to[5][b] = static_cast<float>(log1p.of(b - last));
      to[6][b] = last_kind;
    }
  }

  void neighbours(const float* log_length, const float* link_share) {
    for (Size k = 1; k < 4; k++)
      for (Size step : {-k, k})
        for (const float* from : {log_length, link_share, static_cast<const float*>(kind.data())})
          row([&](Size b) { return 0 <= b + step && b + step < n ? from[b + step] : -1; });
  }

  void around(Size k, const Running& run_plain, const Running& run_prose) {
    const double wide = static_cast<double>(k);
    const auto lo = [&](Size b) { return std::max<Size>(b - k, 0); };
    const auto hi = [&](Size b) { return std::min(b + k + 1, n); };
    row([&](Size b) { return log1p_of(run_plain.over(lo(b), hi(b)) / static_cast<double>(hi(b) - lo(b))); });
    row([&](Size b) { return log1p_of(run_prose.over(lo(b), b) / wide); });
    row([&](Size b) { return log1p_of(run_prose.over(std::min(b + 1, n), hi(b)) / wide); });
  }

  void page(const Rows<const float>& held) {
    double in_p = 0, in_li = 0, in_cells = 0, in_twins = 0, headings = 0, articles = 0, forums = 0;
    for (Size b = 0; b < n; b++) {
      if (kind[b] == 1) in_p += length[b];
      if (kind[b] == 2) in_li += length[b];
      if (kind[b] == 3) in_cells += length[b];
      if (most_twins[b] >= 2) in_twins += length[b];
      headings += heading[b];
    }
    for (Size c = 0; c < m; c++) {
      articles += boxes[TAG][c] == in.article;
      forums += (boxes[HINT][c] & in.forum) > 0;
    }
    const double blocks_of_page = static_cast<double>(n);
    for (double value : {std::log1p(total), std::log1p(blocks_of_page), all_link / total, all_prose / total, in_p / total, in_li / total, in_cells / total,
                         std::log1p(longest), in_twins / total, std::log1p(articles), std::log1p(forums)})
      row([&](Size) { return value; });
    for (int what : {PICTURES_LOG, CONTROLS_LOG, TIMES_LOG}) row([&](Size) { return held[what][0]; });
    for (double value : {std::log1p(headings), std::log1p(total / blocks_of_page)}) row([&](Size) { return value; });
    for (Size k = 0; k < in.n_page; k++) row([&](Size) { return in.page[k]; });
  }
};

}  // namespace weft

extern "C" {

// Fill `x` (a row per feature), `up`, `group` and `twin_group`, and say how many groups there are. A page has a container, the body; the slots of
// its sets are powers of two.
void weft_measure(weft::weft_measured* page) { weft::Measuring{*page}.run(); }
}

// What the text of each block looks like, in one pass over its characters: facts, and the words as hashes (see dom/words.py).

#include <vector>

#include "words.h"

namespace weft {

constexpr uint64_t PRIME = 0x100000001B3ULL, SEED = 0xCBF29CE484222325ULL;  // FNV-1a's

struct Ascii {  // letters and digits, of which most text consists
  enum : Byte { CAPITAL = 1, SMALL, DIGIT, KINDS };
  Byte of[128] = {};

  constexpr Ascii() {
    for (int c = 'A'; c <= 'Z'; c++) of[c] = CAPITAL, of[c + 32] = SMALL;
    for (int c = '0'; c <= '9'; c++) of[c] = DIGIT;
  }

  Byte kind(Byte c) const { return c < 128 ? of[c] : 0; }
};

constexpr Ascii ASCII;

struct Text {  // all texts of a page, as UTF-8
  const Byte* bytes;
  const Byte* cases;  // of the characters below CASES: 1 a capital, 2 a small letter
  static constexpr int32_t CASES = 0x2500;

  int32_t case_of(int32_t c) const { return c < CASES ? cases[c] : 0; }

  // the character at i, which moves behind it; no byte from `end` on is looked at
  int32_t next(Size& i, Size end) const {
    const int32_t c = bytes[i];
    const Size left = end - i;
    const auto low = [&](int k) { return bytes[i + k] & 63; };
    int32_t found = 0xFFFD;
    Size size = left;
    if (c < 0x80) found = c, size = 1;
    else if (c < 0xE0 && left > 1) found = (c & 31) << 6 | low(1), size = 2;
    else if (c < 0xF0 && left > 2) found = (c & 15) << 12 | low(1) << 6 | low(2), size = 3;
    else if (left > 3) found = (c & 7) << 18 | low(1) << 12 | low(2) << 6 | low(3), size = 4;
    i += size;
    return found;
  }
};

struct Words {  // hashes of the words that were found
  uint64_t* out;
  Size used = 0;
  uint64_t open = 0;  // of the word that is being read
  bool inside = false;

  void end() {
    out[used++] = mixed(open);
    inside = false;
  }

  void begin() {
    if (!inside) open = 0;
    inside = true;
  }

  void take(int32_t c, bool part, bool alone) {  // runs of letters and digits; every ideograph by itself
    if (inside && (alone || !part)) end();
    if (!part) return;
    begin();
    open = open * PRIME + static_cast<uint64_t>(c) + 1;
    if (alone) end();
  }
};

struct Block {
  float facts[COPIES];
  uint64_t text = SEED, form = SEED;  // hashes of the text, and of the text with all digits alike

  static bool is_between(int32_t c, int32_t from, int32_t to) { return from <= c && c < to; }
  static bool is_alone(int32_t c) { return is_between(c, 0x3040, 0xA000) || is_between(c, 0xAC00, 0xD7B0) || c >= 0x20000; }
  static bool is_letter_beyond(int32_t c) { return c >= 0xC0 && !is_between(c, 0x2000, 0x2C00) && !is_between(c, 0x3000, 0x3040); }

  static bool is_end(int32_t before, int32_t last) {  // of a sentence
    for (int32_t c : {0x2E, 0x21, 0x3F, 0x3A, 0x2026, 0x3002, 0xFF01, 0xFF1F})
      if (last == c) return true;
    return before == '.' && (last == '"' || last == 0x201D || last == ')');
  }

  Block(const Text& of, Size at, Size end, Words& words) {
    int32_t length = 0, spaces = 0, commas = 0, stops = 0, mark = 0, last = 0, before = 0;
    int32_t kinds[Ascii::KINDS] = {};  // letters by case and digits, and all else
    bool first_digit = false, first_capital = false;
    for (Size i = at; i < end;) {
      if (length && ASCII.kind(of.bytes[i])) {
        const Size run = i;
        words.begin();
        uint64_t whole = text, alike = form, word = words.open;  // in registers
        for (Byte kind; i < end && (kind = ASCII.kind(of.bytes[i])); i++) {
          const uint64_t c = of.bytes[i];
          whole = (whole ^ c) * PRIME;
          alike = (alike ^ (kind == Ascii::DIGIT ? '0' : c)) * PRIME;
          word = word * PRIME + (kind == Ascii::CAPITAL ? c + 32 : c) + 1;
          kinds[kind]++;
        }
        text = whole, form = alike, words.open = word;
        length += static_cast<int32_t>(i - run);
        before = last = 'a';  // or another: of none of them is anything asked
        continue;
      }
      int32_t c = of.next(i, end);
      const int32_t kind = of.case_of(c);
      const bool digit = c >= '0' && c <= '9';
      text = (text ^ static_cast<uint64_t>(c)) * PRIME;
      form = (form ^ static_cast<uint64_t>(digit ? '0' : c)) * PRIME;
      if (!length++) first_digit = digit, first_capital = kind == 1;
      kinds[digit ? static_cast<int32_t>(Ascii::DIGIT) : kind]++;
      if (c == ' ') {
        spaces++;
        stops += last == '.';
      } else if (c == ',' || c == 0xFF0C || c == 0x3001) {
        commas++;
      } else if (c == 0x3002) {
        stops++;
      } else if (c == 0xA9) {
        mark |= 1;
      } else if (c == '|' || c == 0xBB || c == 0x203A) {
        mark |= 2;
      }
      const bool part = digit || kind || is_letter_beyond(c), alone = is_alone(c);
      if (kind == 1 && c < 0x450 && c != 0x130) c += 32;  // the small letter, for Latin-1, Greek and Cyrillic near enough
      words.take(c, part, alone);
      before = last;
      last = c;
    }
    if (words.inside) words.end();
    const bool ends = is_end(before, last);
    const auto put = [&](Fact fact, int32_t value) { facts[fact] = static_cast<float>(value); };
    put(LENGTH, length);
    put(WORDS, spaces + 1);
    put(COMMAS, commas);
    put(STOPS, stops + ends);
    put(ENDS, ends);
    put(DIGIT, first_digit);
    put(UPPER, first_capital);
    put(SHOUT, kinds[Ascii::CAPITAL] && !kinds[Ascii::SMALL]);
    put(MARK, mark);
    put(DIGITS, kinds[Ascii::DIGIT]);
  }
};

// how often each of `keys` occurs
void counts(const std::vector<uint64_t>& keys, float* out) {
  const Size n = static_cast<Size>(keys.size());
  Size size = 16;
  while (size < 2 * n) size *= 2;
  const uint64_t mask = static_cast<uint64_t>(size - 1);
  struct Slot {
    int32_t first = 0, count = 0;
  };
  std::vector<Slot> table(size);
  std::vector<int32_t> slot(n);
  for (Size i = 0; i < n; i++) {
    uint64_t at = keys[i] & mask;
    while (table[at].count && keys[table[at].first] != keys[i]) at = (at + 1) & mask;
    if (!table[at].count++) table[at].first = static_cast<int32_t>(i);
    slot[i] = static_cast<int32_t>(at);
  }
  for (Size i = 0; i < n; i++) out[i] = static_cast<float>(table[slot[i]].count);
}

}  // namespace weft

extern "C" {

// Fill `facts` (float, FACTS rows of n) of the texts [at[b], stop[b]), and the hashes of their words: those of text b are words[first[b], first[b + 1]),
// no more than a text has bytes.
void weft_facts(const uint8_t* bytes, const int32_t* at, const int32_t* stop, int64_t n, const uint8_t* cases, float* facts, uint64_t* words,
                int32_t* first) {
  const weft::Text text{bytes, cases};
  weft::Words found{words};
  std::vector<uint64_t> texts(n), forms(n);
  for (int64_t b = 0; b < n; b++) {
    first[b] = static_cast<int32_t>(found.used);
    const weft::Block block{text, at[b], stop[b], found};
    for (int k = 0; k < weft::COPIES; k++) facts[k * n + b] = block.facts[k];
    texts[b] = weft::mixed(block.text);
    forms[b] = weft::mixed(block.form);
  }
  first[n] = static_cast<int32_t>(found.used);
  weft::counts(texts, facts + weft::COPIES * n);
  weft::counts(forms, facts + weft::ALIKE * n);
}

// Fill `words` with the hashes of the words of a text of n bytes, no more than it has bytes; returns how many there are.
int64_t weft_words(const uint8_t* bytes, int64_t n, const uint8_t* cases, uint64_t* words) {
  weft::Words found{words};
  const weft::Block block{weft::Text{bytes, cases}, 0, n, found};
  return found.used;
}
}

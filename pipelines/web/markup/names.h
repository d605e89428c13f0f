// What the names that a page gives an element say of its content: class, id, role, itemprop, and attributes that hide it.
#pragma once

#include <algorithm>
#include <iterator>

#include "page_tables.h"

namespace weft {

// as in dom/markup.py
constexpr int32_t HIDDEN_BIT = 1 << 15, GONE_BIT = 1 << 29, ITEM_BIT = 1 << 30;
constexpr Size LONGEST_NAME = 512;  // bytes of a class attribute that are looked at

struct Said {
  int32_t bits = 0;  // of hints.py, and those below
  Size class_at, class_end;  // the class attribute's value
};

struct Letters {  // 1 to 26, capitals with a bit more; 0 for what is no letter
  static constexpr Byte CAPITAL = 32;
  Byte of[256] = {};

  constexpr Letters() {
    for (int k = 1; k <= 26; k++) {
      of['a' + k - 1] = static_cast<Byte>(k);
      of['A' + k - 1] = static_cast<Byte>(k | CAPITAL);
    }
  }
};

inline constexpr Letters LETTERS;

struct Names {
  const weft_vocabulary& v;
  const Byte* html;
  struct {
    Size at = 0, size = -1;
    int32_t bits;
  } known[64];  // names are given to many elements of a page

  Names(const weft_vocabulary& vocabulary, const Byte* page) : v(vocabulary), html(page) {}

  // groups of hints.py whose words occur in html[at, end)
  int32_t name_bits(Size at, Size end) {
    const Size size = std::min(end - at, LONGEST_NAME);
    if (size <= 0) return 0;
    auto& k = known[static_cast<size_t>(size * 37 + html[at] + html[at + size - 1] * 5 + html[at + size / 2] * 11) % std::size(known)];
    if (k.size != size || std::memcmp(html + k.at, html + at, static_cast<size_t>(size))) {
      k.at = at;
      k.size = size;
      k.bits = spelt(at, at + size);
    }
    return k.bits;
  }

  int32_t spelt(Size at, Size end) const {
    int state = v.step[0];
    bool border = true, lower = false;
    int32_t bits = 0;
    for (Size i = at; i < end; i++) {
      const Byte letter = LETTERS.of[html[i]], symbol = letter % Letters::CAPITAL;
      const bool capital = letter >= Letters::CAPITAL;
      if (capital && lower) {
        state = v.step[state * 27];
        bits |= v.found[state];
      }
      const int next = v.step[state * 27 + symbol];
      state = symbol || !border ? next : state;
      border = !symbol;
      lower = symbol && !capital;
      bits |= v.found[state];
    }
    return border ? bits : bits | v.found[v.step[state * 27]];
  }

  bool holds(Size at, Size end, const char* property, const char* value) const {  // a style attribute says `property: value`
    const Size size = static_cast<Size>(std::strlen(property)), wanted = static_cast<Size>(std::strlen(value));
    for (Size i = at; i + size + wanted <= end; i++) {
      if (html[i] != static_cast<Byte>(*property) || std::memcmp(html + i, property, static_cast<size_t>(size))) continue;
      Size j = i + size;
      while (j < end && (html[j] == ' ' || html[j] == ':')) j++;
      if (j + wanted <= end && !std::memcmp(html + j, value, static_cast<size_t>(wanted))) return true;
    }
    return false;
  }

  // what the attributes at html[at, end) say
  Said attributes(Size at, Size end) {
    Said found;
    found.class_at = found.class_end = at;
    for (Size i = at; i < end;) {
      while (i < end && html[i] == ' ') i++;
      const Size a = i;
      while (i < end && html[i] != ' ' && !(html[i] == '=' && i > a)) i++;
      const Size size = i - a;
      if (!size) break;
      Size from = i, to = i;
      if (i + 1 < end && html[i] == '=' && html[i + 1] == '"') {
        from = i + 2;
        to = find_near(html, '"', from, end);
        i = to + 1;
      }
      const auto is = [&](const char* name, Size length) { return size == length && !std::memcmp(html + a, name, static_cast<size_t>(length)); };
      if (is("class", 5)) {
        found.class_at = from;
        found.class_end = to;
        found.bits |= name_bits(from, to);
      } else if (is("id", 2) || is("role", 4) || is("itemprop", 8)) {
        found.bits |= name_bits(from, to);
      } else if (is("style", 5)) {
        if (holds(from, to, "display", "none")) found.bits |= HIDDEN_BIT | GONE_BIT;
        else if (holds(from, to, "visibility", "hidden")) found.bits |= GONE_BIT;
      } else if (is("hidden", 6)) {
        found.bits |= HIDDEN_BIT | GONE_BIT;
      } else if (is("itemid", 6)) {
        if (to - from > 8) found.bits |= ITEM_BIT;  // a thing with an address
      } else if (is("aria-hidden", 11) && to - from == 4 && html[from] == 't') {
        found.bits |= HIDDEN_BIT;
      }
    }
    return found;
  }
};

}  // namespace weft

// What the names that a page gives an element say of its content: class, id, role, itemprop, and attributes that hide it.
#pragma once

#include <algorithm>

#include "page_tables.h"

namespace weft {

// as in dom/markup.py
constexpr int32_t HIDDEN_BIT = 1 << 15, GONE_BIT = 1 << 29, ITEM_BIT = 1 << 30;
constexpr Size LONGEST_NAME = 512;  // bytes of a class attribute that are looked at

struct Said {
  int32_t bits = 0;  // of hints.py, and those below
  Size class_at, class_end;  // the class attribute's value
};

struct Names {
  const weft_vocabulary& v;
  const Byte* html;

  // groups of hints.py whose words occur in html[at, end)
  int32_t name_bits(Size at, Size end) const {
    int state = v.step[0];
    bool border = true, lower = false;
    int32_t bits = 0;
    for (Size i = at, stop = std::min(end, at + LONGEST_NAME); i < stop; i++) {
      Byte c = html[i];
      if (static_cast<Byte>(c - 'a') < 26) {
        state = v.step[state * 27 + c - 96];
        border = false;
        lower = true;
      } else if (static_cast<Byte>(c - 'A') < 26) {
        if (lower) {
          state = v.step[state * 27];
          bits |= v.found[state];
        }
        state = v.step[state * 27 + c - 64];
        border = lower = false;
      } else {
        if (!border) state = v.step[state * 27];
        border = true;
        lower = false;
      }
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
  Said attributes(Size at, Size end) const {
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
        const void* quote = std::memchr(html + from, '"', static_cast<size_t>(end - from));
        to = quote ? static_cast<const Byte*>(quote) - html : end;
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

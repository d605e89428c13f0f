// Pieces of HTML source, read as the standard's tokenizer reads them (13.2.5). Nothing here looks beyond `n`.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "elements.h"

namespace weft {

using Size = int64_t;
using Byte = uint8_t;

// What pages seldom hold is laid out apart by the compiler: the usual way then runs straight on.
inline bool likely(bool so) { return __builtin_expect(so, true); }
inline bool seldom(bool so) { return __builtin_expect(so, false); }

// What a byte ends. Asked of a table: pages give the processor nothing by which it could guess five comparisons right.
struct Ends {
  enum : Byte { SPACE = 1, NAME = 2, ATTRIBUTE = 4, VALUE = 8 };
  Byte of[256] = {};

  constexpr Ends() {
    for (Byte c : {' ', '\n', '\t', '\r', '\f'}) of[c] = SPACE | NAME | ATTRIBUTE | VALUE;
    of[static_cast<Byte>('/')] = NAME | ATTRIBUTE;
    of[static_cast<Byte>('>')] = NAME | ATTRIBUTE | VALUE;
    of[static_cast<Byte>('=')] = ATTRIBUTE;
  }
};

inline constexpr Ends ENDS_OF;

inline bool ends(Byte c, Byte what) { return ENDS_OF.of[c] & what; }
inline bool is_space(Byte c) { return ends(c, Ends::SPACE); }
inline bool is_letter(Byte c) { return static_cast<Byte>((c | 32) - 'a') < 26; }
inline bool is_alnum(Byte c) { return is_letter(c) || static_cast<Byte>(c - '0') < 10; }
inline Byte small(Byte c) { return static_cast<Byte>(c - 'A') < 26 ? c + 32 : c; }

// where `c` stands in html[i, n), n if nowhere
inline Size find(const Byte* html, Byte c, Size i, Size n) {
  if (i >= n) return n;
  const void* at = std::memchr(html + i, c, static_cast<size_t>(n - i));
  return at ? static_cast<const Byte*>(at) - html : n;
}

// the same, quickest where it is near
inline Size find_near(const Byte* html, Byte c, Size i, Size n) {
#ifdef __SSE2__
  const __m128i wanted = _mm_set1_epi8(static_cast<char>(c));
  for (const Size stop = std::min(n - 15, i + 64); i < stop; i += 16) {
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(html + i)), wanted));
    if (likely(mask)) return i + __builtin_ctz(static_cast<unsigned>(mask));
  }
#endif
  return find(html, c, i, n);
}

struct Attribute {
  Size name, stop, value, end;
};

struct Tag {
  static constexpr int MOST = 256;  // attributes; a page with more in a tag is left to the parser
  Size at, end;                     // the name
  Element element;
  bool closing, self_closing;
  int size;
  uint32_t keys[MOST];  // of the attributes' names: equal names have equal ones
  Attribute attributes[MOST];
};

constexpr Size NO_END = -1, TOO_MANY = -2;

struct Source {
  const Byte* html;
  Size n;

  bool starts(Size i, const char* word) const {  // `word` in small letters
    for (; *word; word++, i++)
      if (i >= n || small(html[i]) != static_cast<Byte>(*word)) return false;
    return true;
  }

  bool same(Size a, Size b, Size size) const {  // but for ASCII case
    for (Size k = 0; k < size; k++)
      if (small(html[a + k]) != small(html[b + k])) return false;
    return true;
  }

  Size find(Byte c, Size i) const { return weft::find(html, c, i, n); }  // n if there is none

  Size after(Byte c, Size i) const {
    Size at = find(c, i);
    return at < n ? at + 1 : n;
  }

  // behind the comment whose text begins at i
  Size after_comment(Size i) const {
    if (i < n && html[i] == '>') return i + 1;
    if (i + 1 < n && html[i] == '-' && html[i + 1] == '>') return i + 2;
    for (Size at = find('>', i); at < n; at = find('>', at + 1)) {
      if (at - i >= 2 && html[at - 1] == '-' && html[at - 2] == '-') return at + 1;
      if (at - i >= 3 && html[at - 1] == '!' && html[at - 2] == '-' && html[at - 3] == '-') return at + 1;
    }
    return n;
  }

  bool ends_name(Size i) const { return i < n && ends(html[i], Ends::NAME); }

  // an end tag of the name html[name, name + size) begins at the `<` html[i]
  bool is_end_tag(Size i, Size name, Size size) const {
    return i + 2 + size < n && html[i + 1] == '/' && same(i + 2, name, size) && ends_name(i + 2 + size);
  }

  // where raw text ends that begins at i
  Size raw_end(Size i, Size name, Size size) const {
    for (Size at = find('<', i); at < n; at = find('<', at + 1))
      if (is_end_tag(at, name, size)) return at;
    return n;
  }

  // where a script's text ends: `<!--` and `<script` in it hide end tags, as browsers of 1996 had it
  Size script_end(Size i, Size name) const {
    bool escaped = false, doubly = false;
    while (i < n) {
      if (!escaped) {
        i = find('<', i);
        if (i >= n) return n;
        if (is_end_tag(i, name, 6)) return i;
        if (i + 3 < n && html[i + 1] == '!' && html[i + 2] == '-' && html[i + 3] == '-') {
          escaped = true;
          i += 2;  // its dashes may end it
          continue;
        }
      } else if (html[i] == '<') {
        if (is_end_tag(i, name, 6)) {
          if (!doubly) return i;
          doubly = false;
        } else if (!doubly && i + 7 < n && same(i + 1, name, 6) && ends_name(i + 7)) {
          doubly = true;
        }
      } else if (html[i] == '>' && html[i - 1] == '-' && html[i - 2] == '-') {
        escaped = doubly = false;
      }
      i++;
    }
    return n;
  }

  // the tag whose name begins at `at`: where to go on, NO_END or TOO_MANY
  Size read_tag(Size at, bool closing, Tag& tag) const {
    uint64_t hash = 0;
    Size i = at;
    for (; likely(i < n) && !ends(html[i], Ends::NAME); i++) hash = hash * 131 + small(html[i]);
    tag.at = at;
    tag.end = i;
    tag.element = ELEMENT.find(hash);
    tag.closing = closing;
    tag.size = 0;
    return read_attributes(i, tag);
  }

  Size read_attributes(Size i, Tag& tag) const {
    tag.size = 0;
    tag.self_closing = false;
    while (true) {
      while (likely(i < n) && is_space(html[i])) i++;
      if (seldom(i >= n)) return NO_END;
      if (html[i] == '>') return i + 1;
      if (seldom(html[i] == '/')) {
        i++;
        if (i < n && html[i] == '>') {
          tag.self_closing = true;
          return i + 1;
        }
        continue;
      }
      Attribute a;
      a.name = i++;  // even if it is a `=`
      while (likely(i < n) && !ends(html[i], Ends::ATTRIBUTE)) i++;
      a.stop = i;
      while (seldom(i < n && is_space(html[i]))) i++;
      if (seldom(i >= n)) return NO_END;
      a.value = a.end = i;
      if (likely(html[i] == '=')) {
        i++;
        while (seldom(i < n && is_space(html[i]))) i++;
        if (seldom(i >= n)) return NO_END;
        Byte quote = html[i];
        if (likely(quote == '"' || quote == '\'')) {
          a.value = i + 1;
          a.end = i = find_near(html, quote, i + 1, n);
          i++;
        } else {
          a.value = i;
          while (i < n && !ends(html[i], Ends::VALUE)) i++;
          a.end = i;
        }
        if (seldom(i >= n)) return NO_END;
      }
      const uint32_t key = key_of(a);
      bool seen = false;  // of two of one name the first counts
      for (int k = 0; k < tag.size; k++)
        if (seldom(tag.keys[k] == key) && is_called_as(a, tag.attributes[k])) seen = true;
      if (seldom(seen)) continue;
      if (seldom(tag.size == Tag::MOST)) return TOO_MANY;
      tag.keys[tag.size] = key;
      tag.attributes[tag.size++] = a;
    }
  }

  uint32_t key_of(const Attribute& a) const {
    const Size size = a.stop - a.name;
    return static_cast<uint32_t>(small(html[a.name]) | small(html[a.name + size / 2]) << 8 | small(html[a.stop - 1]) << 16) ^ static_cast<uint32_t>(size) << 24;
  }

  bool is_called_as(const Attribute& a, const Attribute& b) const {
    return b.stop - b.name == a.stop - a.name && same(a.name, b.name, a.stop - a.name);
  }

  const Attribute* attribute(const Tag& tag, const char* name) const {
    Size size = static_cast<Size>(std::strlen(name));
    for (int k = 0; k < tag.size; k++)
      if (tag.attributes[k].stop - tag.attributes[k].name == size && starts(tag.attributes[k].name, name)) return &tag.attributes[k];
    return nullptr;
  }
};

}  // namespace weft

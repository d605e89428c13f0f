// What is written: text and tags, as the HTML standard serialises them (13.3), into memory of a given size.
#pragma once

#include "source.h"

namespace weft {

// Named character references, by the hash of their name (`amp;`): filled once from Python's own table.
struct References {
  static constexpr uint64_t SLOTS = 8192;
  static constexpr Size LONGEST = 32;
  uint64_t keys[SLOTS] = {};
  uint32_t first[SLOTS] = {}, second[SLOTS] = {};

  static uint64_t slot(uint64_t hash) { return (hash * 0x9E3779B97F4A7C15ULL) >> 51; }

  void add(const Byte* name, Size size, uint32_t a, uint32_t b) {
    uint64_t hash = 0;
    for (Size k = 0; k < size; k++) hash = hash * 131 + name[k];
    uint64_t at = slot(hash);
    while (keys[at] && keys[at] != hash) at = (at + 1) % SLOTS;
    keys[at] = hash;
    first[at] = a;
    second[at] = b;
  }
};

inline References REFERENCE;

struct Reference {
  uint32_t first, second;  // characters; second = 0: only one
  Size size;               // bytes read; 0: no reference
};

// what 0x80 to 0x9F mean when a page writes them as numbers: windows-1252
constexpr uint16_t C1[32] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
                             0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                             0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

inline Reference numeric(const Byte* html, Size i, Size end) {
  Size j = i + 2;
  bool hex = j < end && (html[j] | 32) == 'x';
  if (hex) j++;
  Size begin = j;
  uint32_t value = 0;
  for (; j < end; j++) {
    Byte c = html[j];
    uint32_t digit;
    if (static_cast<Byte>(c - '0') < 10) digit = c - '0';
    else if (hex && static_cast<Byte>((c | 32) - 'a') < 6) digit = (c | 32) - 'a' + 10;
    else break;
    value = value * (hex ? 16 : 10) + digit;
    if (value > 0x10FFFF) value = 0x110000;
  }
  if (j == begin) return {0, 0, 0};
  if (j < end && html[j] == ';') j++;
  if (value == 0 || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) value = 0xFFFD;
  else if (value >= 0x80 && value < 0xA0) value = C1[value - 0x80];
  return {value, 0, j - i};
}

// the reference that begins at the `&` html[i] (13.2.5.72 to 13.2.5.80)
inline Reference reference(const Byte* html, Size i, Size end, bool in_attribute) {
  Size j = i + 1;
  if (j >= end) return {0, 0, 0};
  if (html[j] == '#') return numeric(html, i, end);
  uint64_t hash = 0, found = 0;
  Size size = 0;
  for (Size k = j; k < end && k < j + References::LONGEST; k++) {
    Byte c = html[k];
    if (!is_alnum(c) && c != ';') break;
    hash = hash * 131 + c;
    for (uint64_t at = References::slot(hash); REFERENCE.keys[at]; at = (at + 1) % References::SLOTS)
      if (REFERENCE.keys[at] == hash) {
        size = k + 1 - i;
        found = at;
        break;
      }
    if (c == ';') break;
  }
  if (!size) return {0, 0, 0};
  Size next = i + size;
  if (in_attribute && html[next - 1] != ';' && next < end && (html[next] == '=' || is_alnum(html[next]))) return {0, 0, 0};  // `?a=b&copy=c`
  return {REFERENCE.first[found], REFERENCE.second[found], size};
}

struct Writer {
  static constexpr Size SLACK = 64;  // bytes that every piece may write after `has` without asking again
  Byte* out;
  Size o, cap;
  const Byte* source_end;  // what is copied may be read up to here, beyond its own end
  bool full = false;

  bool has(Size size) {
    if (seldom(o + size + SLACK > cap)) full = true;
    return likely(!full);
  }

  void word(const char* w) {
    while (*w) out[o++] = static_cast<Byte>(*w++);
  }

  void character(uint32_t c, bool in_attribute) {  // escaped where it has to be
    if (c < 0x80) {
      if (c == '&') word("&amp;");
      else if (c == '<') word("&lt;");
      else if (c == '>') word("&gt;");
      else if (c == '"' && in_attribute) word("&quot;");
      else out[o++] = static_cast<Byte>(c);
    } else if (c == 0xA0) {
      word("&nbsp;");
    } else if (c < 0x800) {
      out[o++] = static_cast<Byte>(0xC0 | c >> 6);
      out[o++] = static_cast<Byte>(0x80 | (c & 63));
    } else if (c < 0x10000) {
      out[o++] = static_cast<Byte>(0xE0 | c >> 12);
      out[o++] = static_cast<Byte>(0x80 | (c >> 6 & 63));
      out[o++] = static_cast<Byte>(0x80 | (c & 63));
    } else {
      out[o++] = static_cast<Byte>(0xF0 | c >> 18);
      out[o++] = static_cast<Byte>(0x80 | (c >> 12 & 63));
      out[o++] = static_cast<Byte>(0x80 | (c >> 6 & 63));
      out[o++] = static_cast<Byte>(0x80 | (c & 63));
    }
  }

  static bool is_plain(Byte c) { return c != '&' && c != '<' && c != '>' && c != '"' && c != '\r' && c != 0xC2; }

  // copy bytes that stand for themselves; where the first other one is
  Size plain(const Byte* html, Size i, Size end) {
#ifdef __SSE2__
    const __m128i amp = _mm_set1_epi8('&'), lt = _mm_set1_epi8('<'), gt = _mm_set1_epi8('>'), quote = _mm_set1_epi8('"'),
                  cr = _mm_set1_epi8('\r'), c2 = _mm_set1_epi8(static_cast<char>(0xC2));
    // what is read may not end before 16 bytes do, nor what is written
    for (const Size stop = std::min({end, source_end - html - 15, i + cap - SLACK - 15 - o}); i < stop; i += 16) {
      __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(html + i));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + o), x);
      __m128i other = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, amp), _mm_cmpeq_epi8(x, lt)),
                                   _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, gt), _mm_cmpeq_epi8(x, quote)),
                                                _mm_or_si128(_mm_cmpeq_epi8(x, cr), _mm_cmpeq_epi8(x, c2))));
      const Size k = std::min<Size>(__builtin_ctz(static_cast<unsigned>(_mm_movemask_epi8(other)) | 1U << 16), end - i);
      o += k;
      if (k < 16) return i + k;
    }
#endif
    while (i < end && is_plain(html[i]) && has(1)) out[o++] = html[i++];
    return i;
  }

  // write html[i, end), its references resolved; text ends at a `<` too. Where it ended.
  Size text(const Byte* html, Size i, Size end, bool in_attribute) {
    while (true) {
      i = plain(html, i, end);
      if (likely(i >= end) || !has(0)) return i;
      Byte c = html[i];
      if (c == '<' && !in_attribute) return i;
      if (c == '&') {
        Reference r = reference(html, i, end, in_attribute);
        character(r.size ? r.first : '&', in_attribute);
        if (r.size && r.second) character(r.second, in_attribute);
        i += r.size ? r.size : 1;
      } else if (c == '\r') {
        out[o++] = '\n';
        i += i + 1 < end && html[i + 1] == '\n' ? 2 : 1;
      } else if (c == 0xC2 && i + 1 < end && html[i + 1] == 0xA0) {
        character(0xA0, in_attribute);
        i += 2;
      } else if (c == 0xC2) {
        out[o++] = c;
        i++;
      } else {
        character(c, in_attribute);
        i++;
      }
    }
  }

  void raw(const Byte* html, Size i, Size end) {  // not escaped
    if (!has(end - i)) return;
    for (; i < end; i++) {
      if (html[i] == '\r') {
        out[o++] = '\n';
        if (i + 1 < end && html[i + 1] == '\n') i++;
      } else {
        out[o++] = html[i];
      }
    }
  }

  void name(const Byte* html, Size i, Size end) {
    Byte* to = out + o - i;
    o += end - i;
#ifdef __SSE2__
    const __m128i below = _mm_set1_epi8('A' - 1), above = _mm_set1_epi8('Z' + 1), smaller = _mm_set1_epi8(32);
    for (; i < end && source_end - (html + i) >= 16; i += 16) {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(html + i));
      const __m128i capital = _mm_and_si128(_mm_cmpgt_epi8(x, below), _mm_cmplt_epi8(x, above));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), _mm_add_epi8(x, _mm_and_si128(capital, smaller)));
    }
#endif
    for (; i < end; i++) to[i] = small(html[i]);
  }

  // the attributes of a start tag and its `>`
  void attributes(const Byte* html, const Tag& tag) {
    for (int k = 0; k < tag.size; k++) {
      const Attribute& a = tag.attributes[k];
      if (!has(a.stop - a.name)) return;
      out[o++] = ' ';
      name(html, a.name, a.stop);
      word("=\"");
      text(html, a.value, a.end, true);
      if (!has(0)) return;
      out[o++] = '"';
    }
    out[o++] = '>';
  }

  // a start tag; where its name stands in the output
  Size start_tag(const Byte* html, const Tag& tag) {
    if (!has(tag.end - tag.at)) return o;
    out[o++] = '<';
    Size at = o;
    name(html, tag.at, tag.end);
    attributes(html, tag);
    return at;
  }

  void end_tag(Size name_at, Size size) {  // of a name written before
    if (!has(size)) return;
    word("</");
    std::memcpy(out + o, out + name_at, static_cast<size_t>(size));
    o += size;
    out[o++] = '>';
  }
};

}  // namespace weft

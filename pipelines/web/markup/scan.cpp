// One pass over a page that is regularly written: its blocks of text, the containers they stand in, its images, as tables (dom/scan.py has the
// meaning of their rows). What is read has every element closed, every attribute quoted, and `&`, `<`, `>` and no-break spaces escaped; anything
// else is read too, and gives some tables.

#include <memory>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "names.h"

namespace weft {

struct Scanner {
  const weft_vocabulary& v;
  const Byte* html;
  const Size n;
  Size max_nodes;
  const Size max_depth;
  const Table boxes, blocks, pictures, sources, whole;
  Byte* out;
  int64_t* sizes;

  struct Element {
    uint64_t name;
    Action action;
  };
  std::unique_ptr<Element[]> stack{new Element[static_cast<size_t>(max_depth) + 2]};
  Size top = 0;
  Size n_boxes = 1, n_blocks = 0, n_pictures = 0, n_sources = 0, n_whole = 0;
  int32_t box = 0;
  Size o = 0, block_at = 0;  // where the text ends, where the open block begins
  bool gap = false;          // white space is owed before the next character
  int32_t in_link = 0, links = 0, linked = 0, broken = 0, strong = 0, code = 0, pre = 0, noscript = 0, mute = 0, controls = 0, times = 0;
  Size source_at = -1;
  Size skip = 0;  // open elements below an element that is not read, itself included
  Names names{v, html};

  static Byte blank_size(const Byte* html, Size i, Size n) {  // bytes of the white space at i beyond ASCII (as str.isspace has it), 0: none
    Byte c = html[i];
    if (c == 0xC2) return i + 1 < n && (html[i + 1] == 0x85 || html[i + 1] == 0xA0) ? 2 : 0;
    if (i + 2 >= n) return 0;
    Byte a = html[i + 1], b = html[i + 2];
    if (c == 0xE2 && a == 0x80) return b <= 0x8A || b == 0xA8 || b == 0xA9 || b == 0xAF ? 3 : 0;
    return (c == 0xE2 && a == 0x81 && b == 0x9F) || (c == 0xE3 && a == 0x80 && b == 0x80) || (c == 0xE1 && a == 0x9A && b == 0x80) ? 3 : 0;
  }

  // the character that the escape at i stands for, and its bytes: only what a serialiser writes
  Byte escape(Size i, Size& size) const {
    struct {
      const char* written;
      Byte meant;
    } const known[] = {{"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&nbsp;", ' '}, {"&quot;", '"'}};
    for (const auto& k : known) {
      size = static_cast<Size>(std::strlen(k.written));
      if (i + size <= n && !std::memcmp(html + i, k.written, static_cast<size_t>(size))) return k.meant;
    }
    size = 1;
    return '&';
  }

  // close the open block, if it holds more than white space
  void flush() {
    if (o > block_at) {
      Size start = block_at;
      if (pre) {
        while (start < o && (out[start] == '\n' || out[start] == '\r')) start++;
        while (o > start && out[o - 1] <= 32) o--;
      }
      if (o == start || n_blocks == blocks.room) {
        o = block_at;
      } else {
        Size k = n_blocks++;
        blocks(AT, k) = static_cast<int32_t>(start);
        blocks(STOP, k) = static_cast<int32_t>(o);
        blocks(LINKED, k) = linked;
        blocks(LINKS, k) = links;
        blocks(BOX, k) = box;
        blocks(BREAKS, k) = broken;
        blocks(STRONGS, k) = strong;
        blocks(CODES, k) = code;
        broken = 0;
      }
      block_at = o;
      linked = strong = code = 0;
    }
    links = in_link ? 1 : 0;
  }

  void end_box() {
    boxes(END, box) = static_cast<int32_t>(n_blocks);
    boxes(PICTURES_END, box) = static_cast<int32_t>(n_pictures);
    boxes(CONTROLS_END, box) = controls;
    boxes(TIMES_END, box) = times;
  }

  void add_picture(Size before, Size at, Size end, Size s_at, Size s_end) {
    if (n_pictures == pictures.room) return;
    Size k = n_pictures++;
    pictures(BEFORE, k) = static_cast<int32_t>(before);
    pictures(IN_BOX, k) = box;
    pictures(A_AT, k) = static_cast<int32_t>(at);
    pictures(A_END, k) = static_cast<int32_t>(end);
    pictures(S_AT, k) = static_cast<int32_t>(s_at);
    pictures(S_END, k) = static_cast<int32_t>(s_end);
    pictures(IN_LINK, k) = in_link;
    pictures(IN_NOSCRIPT, k) = noscript;
  }

  int32_t number_of(uint64_t hash) const {
    for (uint64_t at = (hash * 0x9E3779B97F4A7C15ULL) >> 55; v.keys[at]; at = (at + 1) & static_cast<uint64_t>(v.slots - 1))
      if (v.keys[at] == hash) return v.numbers[at];
    return 0;
  }

  Size find(Byte c, Size i) const { return find_near(html, c, i, n); }  // n if there is none

  bool is_end_of(Size i, Size name, Size size) const {  // `</name` at i
    return html[i] == '<' && i + size + 1 < n && html[i + 1] == '/' && !std::memcmp(html + i + 2, html + name, static_cast<size_t>(size));
  }

  bool count_node() {  // false: there are too many, or (only where the page is not regular) more than the tables have room for
    if (--max_nodes >= 0 && n_boxes < boxes.room) return true;
    sizes[CUT_NODES] = 1;
    return false;
  }

  void run() {
    for (int row = 0; row < TAG_END + 1; row++) boxes(row, 0) = 0;
    Size i = 0;
    while (i >= 0 && i < n) {
      if (html[i] != '<') {
        i = text(i);
      } else if (i + 1 >= n) {
        break;
      } else if (html[i + 1] == '!') {
        i = declaration(i);
      } else if (html[i + 1] == '/') {
        i = end_tag(i + 2);
      } else {
        i = start_tag(i + 1);
      }
    }
    flush();
    while (true) {
      end_box();
      if (box == 0) break;
      box = boxes(PARENT, box);
    }
    sizes[N_BOXES] = n_boxes;
    sizes[N_BLOCKS] = n_blocks;
    sizes[N_PICTURES] = n_pictures;
    sizes[N_SOURCES] = n_sources;
    sizes[N_WHOLE] = n_whole;
    sizes[N_OUT] = o;
  }

  Size declaration(Size i) const {
    if (i + 3 < n && html[i + 2] == '-' && html[i + 3] == '-')
      for (i += 4; i < n && !(html[i] == '>' && html[i - 1] == '-' && html[i - 2] == '-');) i++;
    else
      while (i < n && html[i] != '>') i++;
    return i + 1;
  }

  static bool is_of_word(Byte c) { return c > 32 && c < 0xC2 && c != '<' && c != '&'; }

  // copy from i to `out` what stands for itself and the single spaces between; where it ends, behind a character that is none. i is behind such a one
  Size end_of_words(Size i) {
    Byte* to = out + o - i;
#ifdef __SSE2__
    const __m128i amp = _mm_set1_epi8('&'), lt = _mm_set1_epi8('<'), space = _mm_set1_epi8(' '), high = _mm_set1_epi8(static_cast<char>(0xC1));
    for (unsigned before = 0; i + 16 <= n; i += 16) {  // before: whether the last byte was a space
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(html + i));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i), x);
      const __m128i inside = _mm_and_si128(_mm_cmpeq_epi8(_mm_max_epu8(x, space), x), _mm_cmpeq_epi8(_mm_min_epu8(x, high), x));
      const __m128i outside = _mm_or_si128(_mm_cmpeq_epi8(x, amp), _mm_cmpeq_epi8(x, lt));
      const unsigned others = static_cast<unsigned>(_mm_movemask_epi8(_mm_andnot_si128(outside, inside))) ^ 0xFFFFU;
      const unsigned spaces = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(x, space)));
      if (const unsigned stop = others | (spaces & (spaces << 1 | before))) {
        i += __builtin_ctz(stop);
        return i - (html[i - 1] == ' ');
      }
      before = spaces >> 15;
    }
#endif
    for (; i < n && (is_of_word(html[i]) || (html[i] == ' ' && html[i - 1] != ' ')); i++) to[i] = html[i];
    return i - (html[i - 1] == ' ');
  }

  // where the blanks end that a page is laid out with
  Size after_blanks(Size i) const {
#ifdef __SSE2__
    const __m128i space = _mm_set1_epi8(' '), below = _mm_set1_epi8(8), above = _mm_set1_epi8(14);
    for (; i + 16 <= n; i += 16) {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(html + i));
      const __m128i line = _mm_and_si128(_mm_cmpgt_epi8(x, below), _mm_cmplt_epi8(x, above));
      const int others = _mm_movemask_epi8(_mm_or_si128(line, _mm_cmpeq_epi8(x, space))) ^ 0xFFFF;
      if (others) return i + __builtin_ctz(static_cast<unsigned>(others));
    }
#endif
    while (i < n && (html[i] == ' ' || (html[i] >= 9 && html[i] <= 13))) i++;
    return i;
  }

  // each of these gives back where to go on; -1: too many nodes

  Size text(Size i) {
    if (skip || mute || noscript) return find('<', i);
    if (!count_node()) return -1;
    const bool counted = in_link > 0;
    while (i < n && html[i] != '<') {
      Byte c = html[i];
      Size size = 1;
      bool blank = false;
      if (c == '&') {
        c = escape(i, size);
        blank = c == ' ';
      } else if (c <= 32) {
        blank = c == ' ' || (c >= 9 && c <= 13) || (c >= 28 && c <= 31);
      } else if (c >= 0xC2) {
        Size beyond = blank_size(html, i, n);
        blank = beyond > 0;
        if (blank) size = beyond;
      }
      if (pre) {
        if (html[i] >= 0xC2 && size > 1)
          for (Size k = 0; k < size; k++) out[o++] = html[i + k];
        else
          out[o++] = c;
        linked += counted && (c & 0xC0) != 0x80;
      } else if (blank) {
        gap = o > block_at;
        i = after_blanks(i + size);
        continue;
      } else {
        if (gap) {
          out[o++] = ' ';
          gap = false;
          linked += counted;
        }
        out[o++] = c;
        linked += counted && (c & 0xC0) != 0x80;
        const Size stop = end_of_words(i + size);
        for (Size k = i + size; counted && k < stop; k++) linked += (html[k] & 0xC0) != 0x80;
        o += stop - (i + size);
        i = stop;
        continue;
      }
      i += size;
    }
    return i;
  }

  Size end_tag(Size i) {
    uint64_t hash = 0;
    const Size name = i;
    for (; i < n && html[i] != '>' && html[i] != ' '; i++) hash = hash * 131 + html[i];
    if (i == name) return i;
    while (i < n && html[i] != '>') i++;
    i++;
    if (skip) {
      skip--;
      return i;
    }
    Size at = top - 1;
    while (at >= 0 && stack[at].name != hash) at--;
    if (at < 0) return i;
    while (top > at) close(stack[--top].action);
    return i;
  }

  void close(Action action) {
    if (action == BLOCK) {
      flush();
      gap = false;
      boxes(END, box) = static_cast<int32_t>(n_blocks);
      if (boxes(HINT, box) & ITEM_BIT && boxes(PICTURES, box) == n_pictures)  // perhaps an image that a script would put here
        add_picture(boxes(START, box), boxes(TAG_AT, box), boxes(TAG_END, box), 0, 0);
      end_box();
      if (v.flags[boxes(TAG, box)] & PRE_FLAG) pre--;
      if (boxes(TAG, box) == v.p) broken = 0;
      box = boxes(PARENT, box);
    } else if (action == LINK) {
      in_link--;
    } else if (action == NOSCRIPT) {
      noscript--;
    } else if (action == PICTURE) {
      source_at = -1;
    } else if (action == HEAD) {
      mute--;
    }
  }

  Size start_tag(Size i) {
    uint64_t hash = 0;
    const Size name = i;
    for (; i < n && html[i] != '>' && html[i] != ' '; i++) hash = hash * 131 + html[i];
    if (i == name) return i;
    const Size attributes = i, end = find('>', i), size = std::min(end, attributes) - name;
    const int32_t number = number_of(hash);
    const Byte flags = v.flags[number];
    const Action action = static_cast<Action>(v.action[number]);
    i = end + 1;
    if (flags & RAW_FLAG && !(flags & PRE_FLAG)) return after_raw(i, name, size);
    if (skip) {
      if (!(flags & VOID_FLAG)) skip++;
      return i;
    }
    if (!count_node()) return -1;
    switch (action) {
      case SKIP:
        if (flags & CONTROL_FLAG) controls++;
        if (flags & WHOLE_FLAG && n_whole < whole.room) {
          whole(W_TAG, n_whole) = number;
          whole(W_AT, n_whole) = static_cast<int32_t>(attributes);
          whole(W_END, n_whole) = static_cast<int32_t>(end);
          whole(W_STOP, n_whole++) = static_cast<int32_t>(number == v.title ? find('<', i) : end);
        }
        if (!(flags & VOID_FLAG)) skip = 1;
        return i;
      case BREAK:
        if (pre) {
          out[o++] = '\n';
        } else {
          flush();
          gap = false;
          broken++;
        }
        return i;
      case IMAGE:
        add_picture(n_blocks + (o > block_at), attributes, end, source_at >= 0 ? source_at : 0, source_at >= 0 ? n_sources : 0);
        return i;
      case SOURCE:
        if (source_at >= 0 && n_sources < sources.room) {
          sources(0, n_sources) = static_cast<int32_t>(attributes);
          sources(1, n_sources++) = static_cast<int32_t>(end);
        }
        return i;
      default:
        break;
    }
    if (flags & VOID_FLAG) return i;
    if (top >= max_depth) {
      sizes[CUT_DEPTH] = 1;
      skip = 1;
      return i;
    }
    open(action, number, attributes, end);
    if (flags & PRE_FLAG) pre += action == BLOCK;
    stack[top++] = {hash, action};
    if (flags & RAW_FLAG)  // xmp, plaintext: as it stands, up to the end tag
      while (i < n && !is_end_of(i, name, size)) out[o++] = html[i++];
    return i;
  }

  void open(Action action, int32_t number, Size attributes, Size end) {
    if (action == BLOCK) {
      flush();
      gap = false;
      const Said said = names.attributes(attributes, end);
      const Size k = n_boxes++;
      boxes(PARENT, k) = box;
      boxes(TAG, k) = number;
      boxes(HINT, k) = said.bits;
      boxes(INHERITED, k) = boxes(INHERITED, box) | said.bits;
      boxes(TAG_AT, k) = static_cast<int32_t>(attributes);
      boxes(TAG_END, k) = static_cast<int32_t>(end);
      boxes(SCOPES, k) = boxes(SCOPES, box) | v.scope[number];
      boxes(START, k) = boxes(END, k) = static_cast<int32_t>(n_blocks);
      boxes(DEPTH, k) = boxes(DEPTH, box) + 1;
      boxes(NAME_AT, k) = static_cast<int32_t>(said.class_at);
      boxes(NAME_END, k) = static_cast<int32_t>(said.class_end);
      boxes(PICTURES, k) = static_cast<int32_t>(n_pictures);
      boxes(CONTROLS, k) = controls;
      boxes(TIMES, k) = times;
      box = static_cast<int32_t>(k);
    } else if (action == LINK) {
      in_link++;
      links++;
    } else if (action == NOSCRIPT) {
      noscript++;
    } else if (action == PICTURE) {
      source_at = n_sources;
    } else if (action == HEAD) {
      mute++;
    } else if (action == BODY) {
      const Said said = names.attributes(attributes, end);
      boxes(TAG, 0) = number;
      boxes(HINT, 0) = said.bits;
      boxes(NAME_AT, 0) = static_cast<int32_t>(said.class_at);
      boxes(NAME_END, 0) = static_cast<int32_t>(said.class_end);
    } else if (action == ROOT) {
      sizes[HTML_AT] = attributes;
      sizes[HTML_END] = end;
    } else if (action == STRONG) {
      strong++;
    } else if (action == CODE) {
      code++;
    } else if (action == TIME) {
      times++;
    }
  }

  Size after_raw(Size i, Size name, Size size) const {  // text may hold anything
    while (i + size + 1 < n && !is_end_of(i, name, size)) i++;
    if (i + size + 1 >= n) return n;
    while (i < n && html[i] != '>') i++;
    return i + 1;
  }
};

}  // namespace weft

extern "C" {

// Fill the tables (int32, `*_room` entries a row) from html; `out` has room for every byte and 16 more, `sizes` ten entries.
void weft_scan(const weft::weft_vocabulary* vocabulary, const uint8_t* html, int64_t n, int64_t max_nodes, int64_t max_depth, int32_t* boxes,
               int64_t boxes_room, int32_t* blocks, int64_t blocks_room, int32_t* pictures, int64_t pictures_room, int32_t* sources,
               int64_t sources_room, int32_t* whole, int64_t whole_room, uint8_t* out, int64_t* sizes) {
  using weft::Table;
  weft::Scanner scanner{*vocabulary, html, n, max_nodes, max_depth, Table{boxes, boxes_room}, Table{blocks, blocks_room},
                        Table{pictures, pictures_room}, Table{sources, sources_room}, Table{whole, whole_room}, out, sizes};
  scanner.run();
}

// The groups of hints.py whose words occur in a name.
int32_t weft_name_bits(const weft::weft_vocabulary* vocabulary, const uint8_t* name, int64_t n) {
  return weft::Names{*vocabulary, name}.name_bits(0, n);
}
}

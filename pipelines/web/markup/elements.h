// What the HTML standard's tree construction asks of an element (13.2.4, 13.2.6): a number of our own for each, and bits.
#pragma once

#include <cstdint>
#include <cstring>

namespace weft {

enum Kind : uint32_t {
  SPECIAL = 1 << 0,
  FORMATTING = 1 << 1,
  SCOPE = 1 << 2,  // a search for an open element does not look beyond it
  BUTTON_SCOPE = 1 << 3,
  LIST_SCOPE = 1 << 4,
  TABLE_SCOPE = 1 << 5,
  VOID = 1 << 6,
  IMPLIED = 1 << 7,   // closed by what follows
  TABLEISH = 1 << 8,  // text and other elements straight in it are put before the table
  SECTION = 1 << 9,   // of a table
  PART = 1 << 10,     // of a table
  CLOSES_P = 1 << 11,
  BLOCK_END = 1 << 12,  // its end tag closes what is open inside it
  HEADING = 1 << 13,
  HEADISH = 1 << 14,  // belongs to the head wherever it stands before the body
  MARKS = 1 << 15,    // formatting does not reach into it
  BREAKS_OUT = 1 << 16,  // ends a drawing
  RAW = 1 << 17,      // text up to its own end tag, whatever it looks like
  DROPPED = 1 << 18,  // never content, with what it holds; up to half of a page
  LEAVES = 1 << 19,   // left to the parser
};

// name, bits
#define WEFT_ELEMENTS(X)                                                                                                             \
  X(a, FORMATTING) X(address, SPECIAL | CLOSES_P | BLOCK_END) X(applet, SPECIAL | SCOPE | MARKS) X(area, SPECIAL | VOID)             \
  X(article, SPECIAL | CLOSES_P | BLOCK_END) X(aside, SPECIAL | CLOSES_P | BLOCK_END) X(b, FORMATTING | BREAKS_OUT)                  \
  X(base, SPECIAL | VOID | HEADISH) X(basefont, SPECIAL | VOID | HEADISH) X(bgsound, SPECIAL | VOID | HEADISH)                       \
  X(big, FORMATTING | BREAKS_OUT) X(blockquote, SPECIAL | CLOSES_P | BLOCK_END | BREAKS_OUT) X(body, SPECIAL | BREAKS_OUT)           \
  X(br, SPECIAL | VOID | BREAKS_OUT) X(button, SPECIAL | BUTTON_SCOPE | BLOCK_END) X(caption, SPECIAL | SCOPE | PART)                \
  X(center, SPECIAL | CLOSES_P | BLOCK_END | BREAKS_OUT) X(code, FORMATTING | BREAKS_OUT) X(col, SPECIAL | VOID | PART)              \
  X(colgroup, SPECIAL | PART) X(dd, SPECIAL | IMPLIED | BREAKS_OUT) X(desc, 0) X(details, SPECIAL | CLOSES_P | BLOCK_END)            \
  X(dialog, CLOSES_P | BLOCK_END) X(dir, SPECIAL | CLOSES_P | BLOCK_END) X(div, SPECIAL | CLOSES_P | BLOCK_END | BREAKS_OUT)         \
  X(dl, SPECIAL | CLOSES_P | BLOCK_END | BREAKS_OUT) X(dt, SPECIAL | IMPLIED | BREAKS_OUT) X(em, FORMATTING | BREAKS_OUT)            \
  X(embed, SPECIAL | VOID | BREAKS_OUT) X(fieldset, SPECIAL | CLOSES_P | BLOCK_END) X(figcaption, SPECIAL | CLOSES_P | BLOCK_END)    \
  X(figure, SPECIAL | CLOSES_P | BLOCK_END) X(font, FORMATTING | BREAKS_OUT) X(footer, SPECIAL | CLOSES_P | BLOCK_END)               \
  X(foreignobject, 0) X(form, SPECIAL) X(frame, SPECIAL | VOID) X(frameset, SPECIAL | LEAVES) X(h1, SPECIAL | HEADING | BREAKS_OUT)  \
  X(h2, SPECIAL | HEADING | BREAKS_OUT) X(h3, SPECIAL | HEADING | BREAKS_OUT) X(h4, SPECIAL | HEADING | BREAKS_OUT)                  \
  X(h5, SPECIAL | HEADING | BREAKS_OUT) X(h6, SPECIAL | HEADING | BREAKS_OUT) X(head, SPECIAL | BREAKS_OUT)                          \
  X(header, SPECIAL | CLOSES_P | BLOCK_END) X(hgroup, SPECIAL | CLOSES_P | BLOCK_END) X(hr, SPECIAL | VOID | BREAKS_OUT)             \
  X(html, SPECIAL | SCOPE | TABLE_SCOPE) X(i, FORMATTING | BREAKS_OUT) X(iframe, SPECIAL | RAW) X(image, 0)                          \
  X(img, SPECIAL | VOID | BREAKS_OUT) X(input, SPECIAL | VOID) X(keygen, SPECIAL | VOID) X(li, SPECIAL | IMPLIED | BREAKS_OUT)       \
  X(link, SPECIAL | VOID | HEADISH) X(listing, SPECIAL | BLOCK_END | BREAKS_OUT) X(main, SPECIAL | CLOSES_P | BLOCK_END)             \
  X(marquee, SPECIAL | SCOPE | MARKS) X(math, LEAVES) X(menu, SPECIAL | CLOSES_P | BLOCK_END | BREAKS_OUT)                           \
  X(meta, SPECIAL | VOID | HEADISH | BREAKS_OUT) X(nav, SPECIAL | CLOSES_P | BLOCK_END) X(nobr, FORMATTING | BREAKS_OUT)             \
  X(noembed, SPECIAL | RAW) X(noframes, SPECIAL | RAW | HEADISH) X(noscript, SPECIAL) X(object, SPECIAL | SCOPE | MARKS)             \
  X(ol, SPECIAL | LIST_SCOPE | CLOSES_P | BLOCK_END | BREAKS_OUT) X(optgroup, IMPLIED) X(option, IMPLIED)                            \
  X(p, SPECIAL | IMPLIED | CLOSES_P | BREAKS_OUT) X(param, SPECIAL | VOID) X(plaintext, SPECIAL | LEAVES)                            \
  X(pre, SPECIAL | BLOCK_END | BREAKS_OUT) X(rb, IMPLIED) X(rp, IMPLIED) X(rt, IMPLIED) X(rtc, IMPLIED) X(ruby, BREAKS_OUT)          \
  X(s, FORMATTING | BREAKS_OUT) X(script, SPECIAL | HEADISH | DROPPED) X(search, SPECIAL | CLOSES_P | BLOCK_END)                     \
  X(section, SPECIAL | CLOSES_P | BLOCK_END) X(select, SPECIAL | SCOPE | BLOCK_END) X(small, FORMATTING | BREAKS_OUT)                \
  X(source, SPECIAL | VOID) X(span, BREAKS_OUT) X(strike, FORMATTING | BREAKS_OUT) X(strong, FORMATTING | BREAKS_OUT)                \
  X(style, SPECIAL | HEADISH | RAW | DROPPED) X(sub, BREAKS_OUT) X(summary, SPECIAL | CLOSES_P | BLOCK_END) X(sup, BREAKS_OUT)       \
  X(svg, DROPPED) X(table, SPECIAL | SCOPE | TABLE_SCOPE | TABLEISH | BREAKS_OUT) X(tbody, SPECIAL | TABLEISH | SECTION | PART)      \
  X(td, SPECIAL | SCOPE | PART) X(template_, SPECIAL | HEADISH | DROPPED) X(textarea, SPECIAL)                            \
  X(tfoot, SPECIAL | TABLEISH | SECTION | PART) X(th, SPECIAL | SCOPE | PART) X(thead, SPECIAL | TABLEISH | SECTION | PART)          \
  X(title, SPECIAL | HEADISH) X(tr, SPECIAL | TABLEISH | PART) X(track, SPECIAL | VOID) X(tt, FORMATTING | BREAKS_OUT)               \
  X(u, FORMATTING | BREAKS_OUT) X(ul, SPECIAL | LIST_SCOPE | CLOSES_P | BLOCK_END | BREAKS_OUT) X(var, BREAKS_OUT)                   \
  X(wbr, SPECIAL | VOID) X(xmp, SPECIAL | RAW)

enum Element : uint8_t {
  OTHER,  // any other element
#define X(name, kind) E_##name,
  WEFT_ELEMENTS(X)
#undef X
  GHOST,  // taken off the stack, its end tag still owed
  ELEMENTS
};

struct Elements {
  static constexpr uint64_t SLOTS = 1024;
  uint32_t kind[ELEMENTS] = {};
  uint64_t keys[SLOTS] = {};
  uint8_t numbers[SLOTS] = {};

  Elements() {
    int number = 0;
#define X(name, bits) add(#name, static_cast<uint8_t>(++number), bits);
    WEFT_ELEMENTS(X)
#undef X
  }

  static uint64_t slot(uint64_t hash) { return (hash * 0x9E3779B97F4A7C15ULL) >> 54; }

  void add(const char* name, uint8_t number, uint32_t bits) {
    uint64_t hash = 0;
    size_t size = std::strlen(name);
    if (name[size - 1] == '_') size--;  // a word of C++
    for (size_t k = 0; k < size; k++) hash = hash * 131 + static_cast<uint8_t>(name[k]);
    uint64_t at = slot(hash);
    while (keys[at]) at = (at + 1) % SLOTS;
    keys[at] = hash;
    numbers[at] = number;
    kind[number] = bits;
  }

  // the element whose name, in small letters, has this hash
  Element find(uint64_t hash) const {
    for (uint64_t at = slot(hash); keys[at]; at = (at + 1) % SLOTS)
      if (keys[at] == hash) return static_cast<Element>(numbers[at]);
    return OTHER;
  }
};

inline const Elements ELEMENT;

}  // namespace weft

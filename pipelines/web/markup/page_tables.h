// What a scanned page is given back as, and what Python says its elements mean.
#pragma once

#include "source.h"

namespace weft {

// rows of the tables, as in dom/scan.py
enum BoxRow { PARENT, TAG, HINT, INHERITED, SCOPES, START, END, DEPTH, NAME_AT, NAME_END, PICTURES, PICTURES_END, CONTROLS, CONTROLS_END, TIMES, TIMES_END, TAG_AT, TAG_END };
enum BlockRow { AT, STOP, LINKED, LINKS, BOX, BREAKS, STRONGS, CODES };
enum PictureRow { BEFORE, IN_BOX, A_AT, A_END, S_AT, S_END, IN_LINK, IN_NOSCRIPT };
enum WholeRow { W_TAG, W_AT, W_END, W_STOP };
enum SizeEntry { N_BOXES, N_BLOCKS, N_PICTURES, N_SOURCES, N_WHOLE, N_OUT, CUT_NODES, CUT_DEPTH, HTML_AT, HTML_END };

// as in dom/tags.py
enum Action : Byte { INLINE, BLOCK, SKIP, IMAGE, BREAK, LINK, SOURCE, NOSCRIPT, PICTURE, HEAD, ROOT, BODY, STRONG, CODE, TIME };
enum Flag : Byte { VOID_FLAG = 1, RAW_FLAG = 2, PRE_FLAG = 4, CONTROL_FLAG = 8, WHOLE_FLAG = 16 };

struct Table {
  int32_t* at;
  Size room;  // entries of a row
  int32_t& operator()(int row, Size k) const { return at[row * room + k]; }
};

extern "C" struct weft_vocabulary {  // what the elements and the words of names mean, as Python has it
  const uint64_t* keys;
  const int32_t* numbers;
  Size slots;
  const Byte* action;
  const Byte* flags;
  const int32_t* scope;
  const int16_t* step;  // 27 symbols a state
  const int32_t* found;
  int32_t p, title;  // numbers of these elements
};

}  // namespace weft

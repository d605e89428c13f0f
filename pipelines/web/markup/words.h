// What the text of a block looks like, and sets of the hashes of words (see dom/words.py).
#pragma once

#include <cstdint>

#include "source.h"

namespace weft {

// rows of the facts of blocks, as in dom/words.py
enum Fact { LENGTH, WORDS, COMMAS, STOPS, ENDS, DIGIT, UPPER, SHOUT, MARK, DIGITS, COPIES, ALIKE, FACTS };

inline uint64_t mixed(uint64_t h) {  // SplitMix64's finaliser
  h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9ULL;
  h = (h ^ (h >> 27)) * 0x94D049BB133111EBULL;
  return h ^ (h >> 31);
}

struct Set {  // as `table_of` makes it: a power of two slots, some of them empty (0)
  const uint64_t* slots;
  Size n;

  bool holds(uint64_t key) const {
    const uint64_t mask = static_cast<uint64_t>(n - 1);
    for (uint64_t at = key & mask; slots[at]; at = (at + 1) & mask)
      if (slots[at] == key) return true;
    return false;
  }

  Size size() const {
    Size found = 0;
    for (Size i = 0; i < n; i++) found += slots[i] != 0;
    return found;
  }
};

}  // namespace weft

// The stack of open elements and the list of active formatting elements (13.2.4.2, 13.2.4.3), of a page that is written as it is read:
// an element's end tag is written when it is popped.
#pragma once

#include "writer.h"

namespace weft {

struct Open {
  Element element;
  Size name, size;  // in the output
};

struct Mark {        // an active formatting element
  Element element;   // OTHER: a marker
  Size at, end;      // its start tag in the output
  int position;      // on the stack; -1: no longer there
};

struct OpenElements {
  static constexpr int DEEPEST = 1000;  // what is nested deeper is left to the parser and its limits
  static constexpr int MOST_MARKS = 200;
  static constexpr int NONE = -1, NOT_OPEN = -2;  // values of `form` that are no place on the stack
  static constexpr int ROUNDS = 8;                // of the adoption agency
  static constexpr Size MOST_MOVED = 64 << 20;    // bytes: what moves more is left to the parser

  Writer& w;
  Open stack[DEEPEST];
  Mark marks[MOST_MARKS];
  int top = 0, n_marks = 0, form = NONE, paragraphs = 0;
  bool given_up = false;
  Size moved = 0;  // bytes

  explicit OpenElements(Writer& writer) : w(writer) {}

  bool failed() const { return seldom(given_up || w.full); }

  Element current() const { return top ? stack[top - 1].element : OTHER; }  // none is open before <html>, nor where there was no room for it
  static uint32_t kind(Element e) { return ELEMENT.kind[e]; }
  bool current_is(uint32_t bits) const { return kind(current()) & bits; }

  // the element whose start tag was just written is open
  void push(Element element, Size name, Size size) {
    if (seldom(top >= DEEPEST)) {
      given_up = true;
      return;
    }
    stack[top++] = {element, name, size};
    paragraphs += element == E_p;
  }

  // open an element that the page left out
  void push_implied(Element element, const char* name) {
    if (!w.has(16)) return;
    w.word("<");
    Size at = w.o;
    w.word(name);
    Size size = w.o - at;
    w.word(">");
    push(element, at, size);
  }

  // close the current node, and what had been taken off the stack below it
  void pop() {
    if (!top) return;
    const Open& e = stack[--top];
    w.end_tag(e.name, e.size);
    if (seldom(e.element == E_p)) {
      paragraphs--;
    } else if (kind(e.element) & FORMATTING) {
      for (int j = n_marks - 1; j >= 0; j--)
        if (marks[j].position == top) {
          marks[j].position = -1;
          break;
        }
    }
    if (seldom(form == top)) form = NOT_OPEN;
    for (; seldom(top > 0 && stack[top - 1].element == GHOST); top--) w.end_tag(stack[top - 1].name, stack[top - 1].size);
  }

  void pop_to(int at) {  // with the element at `at`
    while (top > at) pop();
  }

  // place of the innermost `element` inside the innermost element with a bit of `border`; -1 if there is none
  int in_scope(Element element, uint32_t border) const {
    for (int j = top - 1; j >= 0; j--) {
      if (stack[j].element == element) return j;
      if (kind(stack[j].element) & border) return -1;
    }
    return -1;
  }

  int kind_in_scope(uint32_t bits, uint32_t border) const {
    for (int j = top - 1; j >= 0; j--) {
      if (kind(stack[j].element) & bits) return j;
      if (kind(stack[j].element) & border) return -1;
    }
    return -1;
  }

  void close_implied(Element but = OTHER) {
    while (current_is(IMPLIED) && current() != but) pop();
  }

  bool close(Element element, uint32_t border) {  // and all inside it, if it is in scope
    int at = in_scope(element, border);
    if (at < 0) return false;
    close_implied();
    pop_to(at);
    return true;
  }

  void close_p() {
    if (!paragraphs) return;
    int at = in_scope(E_p, SCOPE | BUTTON_SCOPE);
    if (at >= 0) pop_to(at);
  }

  void put_marker() { put({OTHER, 0, 0, -1}); }

  void clear_to_marker() {
    while (n_marks > 0)
      if (marks[--n_marks].element == OTHER) return;
  }

  // the current node, its start tag at out[at, w.o), formats what follows; of four equal ones the first goes ("Noah's Ark")
  void put_mark(Element element, Size at) {
    int equal = 0, first = -1;
    Size size = w.o - at;
    for (int j = n_marks - 1; j >= 0 && marks[j].element != OTHER; j--)
      if (marks[j].element == element && marks[j].end - marks[j].at == size &&
          !std::memcmp(w.out + marks[j].at, w.out + at, static_cast<size_t>(size))) {
        equal++;
        first = j;
      }
    if (equal >= 3) remove_mark(first);
    put({element, at, w.o, top - 1});
  }

  void remove_mark(int j) {
    for (n_marks--; j < n_marks; j++) marks[j] = marks[j + 1];
  }

  int last_mark(Element element) const {  // behind the last marker; -1 if there is none
    for (int j = n_marks - 1; j >= 0 && marks[j].element != OTHER; j--)
      if (marks[j].element == element) return j;
    return -1;
  }

  bool must_reconstruct() const { return n_marks && marks[n_marks - 1].element != OTHER && marks[n_marks - 1].position < 0; }

  // open again the formatting elements that were closed with something around them
  void reconstruct() {
    if (likely(!must_reconstruct())) return;
    int j = n_marks - 1;
    while (j > 0 && marks[j - 1].element != OTHER && marks[j - 1].position < 0) j--;
    for (; j < n_marks; j++) {
      Mark& m = marks[j];
      Size size = m.end - m.at, at = w.o, name = 0;
      if (!w.has(size)) return;
      std::memcpy(w.out + at, w.out + m.at, static_cast<size_t>(size));
      w.o += size;
      while (w.out[at + 1 + name] != '>' && w.out[at + 1 + name] != ' ') name++;
      push(m.element, at + 1, name);
      m = {m.element, at, at + size, top - 1};
    }
  }

  // the standard's "any other end tag": close the innermost element of that name, unless a special one is open inside it
  void close_named(const Source& source, const Tag& tag) {
    for (int j = top - 1; j >= 0; j--) {
      if (is_called(j, source, tag)) {
        close_implied(stack[j].element ? stack[j].element : GHOST);
        pop_to(j);
        return;
      }
      if (kind(stack[j].element) & SPECIAL) return;
    }
  }

  // the adoption agency (13.2.6.4.7); false: the "any other end tag" steps are due. Where other elements stand between the formatting element and the
  // special one that is open in it, the standard copies those too: then the page is given up.
  bool close_formatting(Element element) {
    if (current() == element && !is_marked(top - 1)) {
      pop();
      return true;
    }
    int j = last_mark(element);
    if (j < 0) return false;
    int at = marks[j].position;
    if (at < 0) {
      remove_mark(j);
      return true;
    }
    for (int k = at + 1; k < top; k++)
      if (kind(stack[k].element) & SCOPE) return true;  // not in scope: the end tag is ignored
    for (int round = 1; int k = special_above(at); round++) {
      if (k != at + 1 || round == ROUNDS || !move_out(j)) {
        given_up = true;
        return true;
      }
      at = marks[j].position;
    }
    pop_to(at);
    remove_mark(j);
    return true;
  }

  // a form that is not the current node leaves the stack, and what is open in it stays open: its end tag comes when that closes
  void close_form() {
    int at = form;
    form = NONE;
    if (at < 0) return;
    for (int j = top - 1; j > at; j--)
      if (kind(stack[j].element) & SCOPE) return;
    close_implied();
    if (top - 1 == at) pop();
    else stack[at].element = GHOST;
  }

  // a second <html> or <body>: the attributes that the first one, open at `position`, has not are added to it
  void add_attributes(int position, const Source& source, const Tag& tag) {
    if (position >= top || !tag.size) return;
    const Size at = stack[position].name + stack[position].size, end = start_tag_end(stack[position]);
    Tag missing;
    missing.size = 0;
    for (int k = 0; k < tag.size; k++)
      if (!has_attribute(at, end, source, tag.attributes[k])) missing.attributes[missing.size++] = tag.attributes[k];
    const Size before = w.o;
    w.attributes(source.html, missing);
    if (w.full) return;
    const Size added = --w.o - before;  // without the `>`
    if (!w.has(added)) return;
    make_room(end, added);  // and so what was added now stands `added` later
    w.o -= added;
    std::memcpy(w.out + end, w.out + w.o, static_cast<size_t>(added));
  }

 private:
  Size start_tag_end(const Open& e) const {  // where its `>` stands: values hold none
    return find(w.out, '>', e.name + e.size, w.o);
  }

  // what stands from `at` on stands `size` further on, for which there must be room
  void make_room(Size at, Size size) {
    std::memmove(w.out + at + size, w.out + at, static_cast<size_t>(w.o - at));
    w.o += size;
    for (int j = 0; j < top; j++) stack[j].name += stack[j].name >= at ? size : 0;
    for (int j = 0; j < n_marks; j++)
      if (marks[j].at >= at) {
        marks[j].at += size;
        marks[j].end += size;
      }
  }

  int special_above(int at) const {  // 0: there is none
    for (int k = at + 1; k < top; k++)
      if (kind(stack[k].element) & SPECIAL) return k;
    return 0;
  }

  // The special element that stands straight in the formatting element of marks[j] is put behind that, and a copy of it around all that it holds:
  // `<b>x<p>y` becomes `<b>x</b><p><b>y`. False where this cannot be written.
  bool move_out(int j) {
    Mark& mark = marks[j];
    const int at = mark.position;
    const Open inner = stack[at], outer = stack[at + 1];
    const Size before = outer.name - 1, behind = start_tag_end(outer) + 1, end_tag = inner.size + 3, start_tag = mark.end - mark.at;
    moved += w.o - before;
    if (!at || stack[at - 1].element == GHOST || moved > MOST_MOVED || !w.has(end_tag + start_tag)) return false;
    make_room(behind, start_tag);
    std::memcpy(w.out + behind, w.out + mark.at, static_cast<size_t>(start_tag));
    make_room(before, end_tag);
    const Size end = w.o;
    w.o = before;
    w.end_tag(inner.name, inner.size);
    w.o = end;
    std::swap(stack[at], stack[at + 1]);
    mark.position = at + 1;
    if (form == at + 1) form = at;
    return true;
  }

  bool has_attribute(Size at, Size end, const Source& source, const Attribute& a) const {  // the tag whose attributes stand at out[at, end)
    const Size size = a.stop - a.name;
    for (Size i = at; i < end;) {
      Size k = 0;
      i++;  // a space
      while (k < size && w.out[i + k] == small(source.html[a.name + k])) k++;
      if (k == size && w.out[i + k] == '=' && w.out[i + k + 1] == '"') return true;
      while (i < end && (w.out[i] != '=' || w.out[i + 1] != '"')) i++;
      for (i += 2; i < end && w.out[i] != '"';) i++;
      i++;
    }
    return false;
  }

  void put(const Mark& mark) {
    if (n_marks >= MOST_MARKS) given_up = true;
    else marks[n_marks++] = mark;
  }

  bool is_marked(int position) const {
    for (int j = n_marks - 1; j >= 0; j--)
      if (marks[j].position == position) return true;
    return false;
  }

  bool is_called(int j, const Source& source, const Tag& tag) const {
    const Open& e = stack[j];
    if (e.element == GHOST || e.size != tag.end - tag.at || e.element != tag.element) return false;
    for (Size k = 0; k < e.size; k++)
      if (w.out[e.name + k] != small(source.html[tag.at + k])) return false;
    return true;
  }
};

}  // namespace weft

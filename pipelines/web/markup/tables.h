// The insertion modes (13.2.4.1), and those of tables (13.2.6.4.9 to 13.2.6.4.15): what a row, a cell or a caption ends before a tag can
// be placed.
#pragma once

#include "open_elements.h"

namespace weft {

enum Mode { INITIAL, BEFORE_HTML, BEFORE_HEAD, IN_HEAD, IN_HEAD_NOSCRIPT, AFTER_HEAD, IN_BODY, IN_TABLE, IN_CAPTION, IN_COLGROUP, IN_TBODY, IN_ROW, IN_CELL };

// what is to be done with a tag
enum Place {
  IGNORED,
  INSERTED,         // the current node takes it
  INSERTED_MARKED,  // and formatting stays outside
  AS_IN_BODY,       // it is no business of tables
};

struct Tables {
  OpenElements& open;
  Mode mode = INITIAL;

  explicit Tables(OpenElements& elements) : open(elements) {}

  static bool is_cell(Element e) { return e == E_td || e == E_th; }
  static bool is_section(Element e) { return ELEMENT.kind[e] & SECTION; }
  static bool is_part(Element e) { return ELEMENT.kind[e] & PART; }

  bool takes_text() const { return mode == IN_BODY || mode == IN_CELL || mode == IN_CAPTION; }

  Place start(Element e) {
    while (!open.given_up && !open.w.full) {
      switch (mode) {
        case IN_CELL:
          if (!is_part(e)) return AS_IN_BODY;
          close_cell();
          break;
        case IN_CAPTION:
          if (!is_part(e)) return AS_IN_BODY;
          if (!close_caption()) return IGNORED;
          break;
        case IN_COLGROUP:
          if (e == E_col) return INSERTED;
          if (!close_colgroup()) return IGNORED;
          break;
        case IN_ROW:
          if (is_cell(e)) {
            clear_to(E_tr);
            mode = IN_CELL;
            return INSERTED_MARKED;
          }
          if (!is_part(e) && e != E_table) return AS_IN_BODY;
          if (!is_part(e)) return nested_table();
          if (!close_row()) return IGNORED;
          break;
        case IN_TBODY:
          if (e == E_tr || is_cell(e)) {
            clear_to_section();
            mode = IN_ROW;
            if (e == E_tr) return INSERTED;
            open.push_implied(E_tr, "tr");
          } else if (e == E_table) {
            return nested_table();
          } else if (!is_part(e)) {
            return AS_IN_BODY;
          } else if (!close_section()) {
            return IGNORED;
          }
          break;
        default:  // IN_TABLE
          if (e == E_table) return nested_table();
          if (!is_part(e)) return AS_IN_BODY;
          clear_to(E_table);
          if (e == E_caption) {
            mode = IN_CAPTION;
            return INSERTED_MARKED;
          }
          if (e == E_col || e == E_colgroup) {
            mode = IN_COLGROUP;
            if (e == E_col) open.push_implied(E_colgroup, "colgroup");
            return INSERTED;
          }
          mode = IN_TBODY;
          if (is_section(e)) return INSERTED;
          open.push_implied(E_tbody, "tbody");
      }
    }
    return IGNORED;
  }

  Place end(Element e) {
    if (e == E_body || e == E_html) return IGNORED;
    while (true) {
      switch (mode) {
        case IN_CELL:
          if (is_cell(e)) {
            if (open.close(e, TABLE_SCOPE)) {
              open.clear_to_marker();
              mode = IN_ROW;
            }
            return IGNORED;
          }
          if (e != E_table && e != E_tr && !is_section(e)) return is_part(e) ? IGNORED : AS_IN_BODY;
          if (open.in_scope(e, TABLE_SCOPE) < 0) return IGNORED;
          close_cell();
          break;
        case IN_CAPTION:
          if (e != E_caption && e != E_table) return is_part(e) ? IGNORED : AS_IN_BODY;
          if (!close_caption() || e == E_caption) return IGNORED;
          break;
        case IN_COLGROUP:
          if (e == E_col || !close_colgroup() || e == E_colgroup) return IGNORED;
          break;
        case IN_ROW:
          if (e == E_tr) {
            close_row();
            return IGNORED;
          }
          if (e != E_table && !(is_section(e) && open.in_scope(e, TABLE_SCOPE) >= 0)) return is_part(e) ? IGNORED : AS_IN_BODY;
          if (!close_row()) return IGNORED;
          break;
        case IN_TBODY:
          if (is_section(e)) {
            if (open.in_scope(e, TABLE_SCOPE) >= 0) close_section();
            return IGNORED;
          }
          if (e != E_table) return is_part(e) ? IGNORED : AS_IN_BODY;
          if (!close_section()) return IGNORED;
          break;
        default:  // IN_TABLE
          if (e == E_table) close_table();
          return is_part(e) || e == E_table ? IGNORED : AS_IN_BODY;
      }
    }
  }

 private:
  void clear_to(Element e) {
    while (open.current() != e && open.current() != E_html) open.pop();
  }

  void clear_to_section() {
    while (!open.current_is(SECTION) && open.current() != E_html) open.pop();
  }

  void close_cell() {
    open.close_implied();
    while (open.current() != E_html) {
      bool cell = is_cell(open.current());
      open.pop();
      if (cell) break;
    }
    open.clear_to_marker();
    mode = IN_ROW;
  }

  bool close_caption() {
    if (!open.close(E_caption, TABLE_SCOPE)) return false;
    open.clear_to_marker();
    mode = IN_TABLE;
    return true;
  }

  bool close_colgroup() {
    if (open.current() != E_colgroup) return false;
    open.pop();
    mode = IN_TABLE;
    return true;
  }

  bool close_row() {
    if (open.in_scope(E_tr, TABLE_SCOPE) < 0) return false;
    clear_to(E_tr);
    open.pop();
    mode = IN_TBODY;
    return true;
  }

  bool close_section() {
    if (open.kind_in_scope(SECTION, TABLE_SCOPE) < 0) return false;
    clear_to_section();
    open.pop();
    mode = IN_TABLE;
    return true;
  }

  bool close_table() {
    int at = open.in_scope(E_table, TABLE_SCOPE);
    if (at < 0) return false;
    open.pop_to(at);
    reset();
    return true;
  }

  // a table straight in a table ends it
  Place nested_table() { return close_table() ? start_again() : IGNORED; }
  Place start_again() { return takes_text() ? AS_IN_BODY : start(E_table); }

  void reset() {  // the mode that the open elements ask for
    for (int j = open.top - 1; j >= 0; j--) {
      Element e = open.stack[j].element;
      if (is_cell(e)) mode = IN_CELL;
      else if (e == E_tr) mode = IN_ROW;
      else if (is_section(e)) mode = IN_TBODY;
      else if (e == E_caption) mode = IN_CAPTION;
      else if (e == E_colgroup) mode = IN_COLGROUP;
      else if (e == E_table) mode = IN_TABLE;
      else if (e == E_body) mode = IN_BODY;
      else continue;
      return;
    }
    mode = IN_BODY;
  }
};

}  // namespace weft

// The insertion mode of most of a page, "in body" (13.2.6.4.7): what a start tag closes before it opens, what an end tag closes.
#pragma once

#include "tables.h"

namespace weft {

enum Quirks { QUIRKS, NO_QUIRKS, UNSURE };

struct Body {
  const Source& source;
  OpenElements& open;
  Tables& tables;
  const Tag& tag;  // the one that is being placed
  Writer& w = open.w;
  Quirks quirks = QUIRKS;

  Body(const Source& s, OpenElements& o, Tables& t, const Tag& g) : source(s), open(o), tables(t), tag(g) {}

  void insert() {
    Size name = w.start_tag(source.html, tag);
    open.push(tag.element, name, tag.end - tag.at);
  }

  void insert_void() { w.start_tag(source.html, tag); }

  // the start tags of 13.2.6.4.7 that are neither raw text nor part of a table
  void start() {
    Element e = tag.element;
    uint32_t kind = ELEMENT.kind[e];
    if (kind & FORMATTING) {
      start_formatting();
      return;
    }
    if (kind & CLOSES_P || e == E_pre || e == E_listing) {
      open.close_p();
    } else if (e == E_li || e == E_dd || e == E_dt) {
      close_item(e);
      open.close_p();
    } else if (kind & HEADING) {
      open.close_p();
      if (open.current_is(HEADING)) open.pop();
    } else if (e == E_form) {
      if (open.form != OpenElements::NONE) return;
      open.close_p();
      open.form = open.top;
    } else if (e == E_button) {
      open.close(E_button, SCOPE);
      open.reconstruct();
    } else if (e == E_table) {
      if (quirks == UNSURE && open.in_scope(E_p, SCOPE | BUTTON_SCOPE) >= 0) open.given_up = true;
      if (quirks == NO_QUIRKS) open.close_p();
      tables.mode = IN_TABLE;
    } else if (e == E_hr) {
      open.close_p();
      if (open.in_scope(E_select, SCOPE) >= 0) open.close_implied();
    } else if (e == E_input || e == E_select) {
      int at = open.in_scope(E_select, SCOPE);
      if (at >= 0) {
        open.pop_to(at);
        if (e == E_select) return;
      }
      open.reconstruct();
    } else if (e == E_option || e == E_optgroup) {
      if (open.in_scope(E_select, SCOPE) >= 0) open.close_implied(e == E_option ? E_optgroup : OTHER);
      else if (open.current() == E_option) open.pop();
      open.reconstruct();
    } else if (e == E_rb || e == E_rtc || e == E_rp || e == E_rt) {
      if (open.in_scope(E_ruby, SCOPE) >= 0) open.close_implied(e == E_rp || e == E_rt ? E_rtc : OTHER);
    } else if (e != E_param && e != E_source && e != E_track && !(kind & HEADISH)) {
      open.reconstruct();
    }
    if (open.failed()) return;
    if (e == E_image) {  // means <img>
      if (!w.has(8)) return;
      w.word("<img");
      w.attributes(source.html, tag);
    } else if (kind & VOID) {
      insert_void();
    } else {
      insert();
      if (kind & MARKS) open.put_marker();
    }
  }

  void start_formatting() {
    Element e = tag.element;
    if (e == E_a && open.last_mark(E_a) >= 0) {  // links do not nest
      open.close_formatting(E_a);
      if (open.last_mark(E_a) >= 0) open.given_up = true;
    }
    open.reconstruct();
    if (e == E_nobr && open.in_scope(E_nobr, SCOPE) >= 0) {
      open.close_formatting(E_nobr);
      open.reconstruct();
    }
    if (open.failed()) return;
    Size at = w.o;
    insert();
    if (!open.failed()) open.put_mark(e, at);
  }

  void close_item(Element e) {
    for (int j = open.top - 1; j >= 0; j--) {
      Element here = open.stack[j].element;
      if (here == e || (e != E_li && (here == E_dd || here == E_dt))) {
        open.close_implied(here);
        open.pop_to(j);
        return;
      }
      if (ELEMENT.kind[here] & SPECIAL && here != E_address && here != E_div && here != E_p) return;
    }
  }

  // the end tags of 13.2.6.4.7
  void end() {
    Element e = tag.element;
    uint32_t kind = ELEMENT.kind[e];
    if (kind & FORMATTING) {
      if (!open.close_formatting(e)) open.close_named(source, tag);
    } else if (e == E_p) {
      if (!open.paragraphs || open.in_scope(E_p, SCOPE | BUTTON_SCOPE) < 0) {
        if (open.current_is(TABLEISH)) open.given_up = true;
        else open.push_implied(E_p, "p");
      }
      if (!open.failed()) open.close_p();
    } else if (kind & BLOCK_END) {
      end_block(e);
    } else if (e == E_li || e == E_dd || e == E_dt) {
      int at = open.in_scope(e, e == E_li ? SCOPE | LIST_SCOPE : SCOPE);
      if (at >= 0) {
        open.close_implied(e);
        open.pop_to(at);
      }
    } else if (kind & HEADING) {
      int at = open.kind_in_scope(HEADING, SCOPE);
      if (at >= 0) {
        open.close_implied();
        open.pop_to(at);
      }
    } else if (e == E_form) {
      open.close_form();
    } else if (kind & MARKS) {
      if (end_block(e)) open.clear_to_marker();
    } else if (e == E_br) {
      if (open.current_is(TABLEISH)) open.given_up = true;
      else open.reconstruct();
      if (!open.failed() && w.has(8)) w.word("<br>");
    } else {
      open.close_named(source, tag);
    }
  }

  bool end_block(Element e) { return open.close(e, SCOPE); }
};

}  // namespace weft

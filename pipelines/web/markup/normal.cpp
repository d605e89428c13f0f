// HTML as browsers read it (the HTML standard, 13.2), written out regularly: every element closed, every attribute quoted, four escapes.
//
// The same bytes as parsing with Lexbor, taking out scripts, styles, SVG and templates, and serialising, but for comments, which are left out:
// in one pass, without a tree. Where the standard moves what has been placed already (misnested formatting around blocks, text straight in a
// table), or the page holds what pages rarely hold (MathML, frames), it is given up, and the parser reads it.

#include <memory>

#include "tables.h"

namespace weft {

enum Quirks { QUIRKS, NO_QUIRKS, UNSURE };

struct Page {
  static constexpr int DRAWING = 256;  // open elements of a drawing
  static constexpr Size STASH = 1024;  // bytes of white space between head and body that are kept

  Source source;
  Writer w;
  OpenElements open{w};
  Tables tables{open};
  Quirks quirks = QUIRKS;
  Tag tag;
  Byte stash[STASH];
  Size n_stash = 0;

  Page(const Byte* html, Size n, Byte* out, Size cap) : source{html, n}, w{out, 0, cap} {}

  bool failed() const { return open.given_up || w.full; }
  void give_up() { open.given_up = true; }

  // bytes written; -1: given up
  Size read() {
    const Byte* html = source.html;
    const Size n = source.n;
    Size i = source.starts(0, "\xEF\xBB\xBF") ? 3 : 0;
    while (i < n && !failed()) {
      if (html[i] != '<') {
        i = text(i);
        continue;
      }
      Byte c = i + 1 < n ? html[i + 1] : 0;
      bool closing = c == '/';
      Size at = i + (closing ? 2 : 1);
      if (at < n && is_letter(html[at])) {
        i = source.read_tag(at, closing, tag);
        if (i == NO_END) break;  // the source ends inside a tag: browsers drop it
        if (i == TOO_MANY || ELEMENT.kind[tag.element] & LEAVES) {
          give_up();
          break;
        }
        if (closing) end();
        else i = start(i);
      } else if (c == '!') {
        i = declaration(i + 2);
      } else if (c == '?' || (closing && at < n)) {
        i = source.after('>', at);
      } else {
        i = less_than(i);
      }
    }
    if (failed()) return -1;
    if (tables.mode < IN_BODY) to_body();
    open.pop_to(0);
    return failed() ? -1 : w.o;
  }

  // behind `<!`
  Size declaration(Size i) {
    if (source.starts(i, "--")) return source.after_comment(i + 2);
    if (source.starts(i, "doctype") && tables.mode == INITIAL) {
      quirks = doctype(i + 7);
      tables.mode = BEFORE_HTML;
    }
    return source.after('>', i);
  }

  Quirks doctype(Size i) const {  // only `html` alone is sure to be none
    while (i < source.n && is_space(source.html[i])) i++;
    if (!source.starts(i, "html")) return UNSURE;
    for (i += 4; i < source.n && is_space(source.html[i]);) i++;
    return source.starts(i, ">") ? NO_QUIRKS : UNSURE;
  }

  // ---- text

  // place the text that begins at i; it ends at the next `<`
  Size text(Size i) {
    if (!tables.takes_text()) {
      i = white_space(i);
      if (i >= source.n || source.html[i] == '<') return i;
      if (!to_content()) return i;
    }
    open.reconstruct();
    i = w.text(source.html, i, source.n, false);
    return i;
  }

  Size less_than(Size i) {  // a `<` that is text
    if (!tables.takes_text() && !to_content()) return i;
    open.reconstruct();
    if (w.has(0)) w.word("&lt;");
    return i + 1;
  }

  bool to_content() {
    if (tables.mode > IN_BODY) give_up();  // text straight in a table
    else to_body();
    return !failed();
  }

  Size white_space(Size i) {
    Size j = i;
    while (j < source.n && is_space(source.html[j])) j++;
    if (tables.mode == AFTER_HEAD) {
      for (Size k = i; k < j && n_stash < STASH; k++)
        if (source.html[k] != '\r') stash[n_stash++] = source.html[k];
        else if (k + 1 >= j || source.html[k + 1] != '\n') stash[n_stash++] = '\n';
    } else if (tables.mode > BEFORE_HEAD) {
      w.raw(source.html, i, j);
    }
    return j;
  }

  // ---- what must be open before content

  void to_html() {
    if (tables.mode > BEFORE_HTML) return;
    open.push_implied(E_html, "html");
    tables.mode = BEFORE_HEAD;
  }

  void to_head() {
    to_html();
    if (tables.mode > BEFORE_HEAD) return;
    open.push_implied(E_head, "head");
    tables.mode = IN_HEAD;
  }

  void close_head() {
    to_head();
    open.pop_to(1);
    if (!w.has(n_stash)) return;
    std::memcpy(w.out + w.o, stash, static_cast<size_t>(n_stash));
    w.o += n_stash;
    tables.mode = IN_BODY;
  }

  void to_body() {
    close_head();
    open.push_implied(E_body, "body");
  }

  // ---- start tags; each takes and gives back where the input goes on

  void insert() {
    Size name = w.start_tag(source.html, tag);
    open.push(tag.element, name, tag.end - tag.at);
  }

  void insert_void() { w.start_tag(source.html, tag); }

  Size start(Size i) {
    Element e = tag.element;
    if (e == E_html) {
      if (tables.mode <= BEFORE_HTML) {
        insert();
        tables.mode = BEFORE_HEAD;
      } else {
        open.add_attributes(0, source, tag);
      }
      return i;
    }
    if (tables.mode < IN_BODY && start_before_body(i)) return i;
    if (failed()) return i;
    if (e == E_body) {
      open.add_attributes(1, source, tag);
      return i;
    }
    if (e == E_head || e == E_frame) return i;
    if (tables.mode > IN_BODY) {
      if (start_in_table()) return i;
      if (failed()) return i;
    } else if (ELEMENT.kind[e] & PART) {
      return i;
    }
    if (e == E_svg) {
      open.reconstruct();
      return tag.self_closing ? i : after_svg(i);
    }
    if (e == E_template_) return after_template(i);
    if (e == E_script || e == E_title || e == E_textarea || ELEMENT.kind[e] & RAW) {
      if (e == E_xmp) {
        open.close_p();
        open.reconstruct();
      }
      if (e == E_textarea && open.must_reconstruct()) give_up();  // Lexbor reconstructs inside it, the standard does not
      return raw_element(i);
    }
    start_in_body();
    return e == E_pre || e == E_listing ? after_line_feed(i) : i;
  }

  // true: that was all
  bool start_before_body(Size& i) {
    Element e = tag.element;
    if (e == E_head) {
      to_html();
      if (tables.mode == BEFORE_HEAD) {
        insert();
        tables.mode = IN_HEAD;
      }
      return true;
    }
    if (tables.mode == IN_HEAD_NOSCRIPT) {
      if (e == E_noscript) return true;
      if (e != E_basefont && e != E_bgsound && e != E_link && e != E_meta && e != E_noframes && e != E_style) {
        open.pop();
        tables.mode = IN_HEAD;
      }
    }
    if (ELEMENT.kind[e] & HEADISH) {
      to_head();
      if (ELEMENT.kind[e] & VOID) insert_void();
      else i = e == E_template_ ? after_template(i) : raw_element(i);
      return true;
    }
    if (e == E_noscript && tables.mode <= IN_HEAD) {
      to_head();
      insert();
      tables.mode = IN_HEAD_NOSCRIPT;
      return true;
    }
    if (e == E_body) {
      close_head();
      insert();
      return true;
    }
    to_body();
    return false;
  }

  // true: that was all
  bool start_in_table() {
    Element e = tag.element;
    bool in_structure = !tables.takes_text();
    if (in_structure && tables.mode != IN_COLGROUP) {
      if (e == E_input) {
        const Attribute* type = source.attribute(tag, "type");
        if (type && type->end - type->value == 6 && source.starts(type->value, "hidden")) insert_void();
        else give_up();
        return true;
      }
      if (e == E_form) {
        if (open.form == OpenElements::NONE) {
          insert();
          if (!failed()) open.pop();
          open.form = OpenElements::NOT_OPEN;
        }
        return true;
      }
    }
    Place place = tables.start(e);
    if (failed() || place == IGNORED) return true;
    if (place != AS_IN_BODY) {
      if (ELEMENT.kind[e] & VOID) insert_void();
      else insert();
      if (place == INSERTED_MARKED) open.put_marker();
      return true;
    }
    if (!tables.takes_text() && e != E_script && e != E_style && e != E_template_) give_up();  // an element straight in a table
    return failed();
  }

  Size after_line_feed(Size i) const {
    if (source.starts(i, "\r")) i++;
    return source.starts(i, "\n") ? i + 1 : i;
  }

  // an element whose text goes up to its own end tag
  Size raw_element(Size i) {
    Element e = tag.element;
    Size name = tag.at, size = tag.end - tag.at;
    Size stop = e == E_script ? source.script_end(i, name) : source.raw_end(i, name, size);
    if (!(ELEMENT.kind[e] & DROPPED)) {
      Size written = w.start_tag(source.html, tag);
      if (e == E_title || e == E_textarea) {
        if (e == E_textarea) i = after_line_feed(i);
        while (i < stop && !w.full) {
          i = w.text(source.html, i, stop, false);
          if (i < stop && w.has(0)) {  // a `<`
            w.word("&lt;");
            i++;
          }
        }
      } else {
        w.raw(source.html, i, stop);
      }
      if (!w.full) w.end_tag(written, size);
    }
    if (stop >= source.n) return source.n;
    Size after = source.read_attributes(stop + 2 + size, tag);
    if (after == TOO_MANY) give_up();
    return after < 0 ? source.n : after;
  }

  // behind the template whose start tag ended at i
  Size after_template(Size i) {
    int depth = 1, marked = 0;
    while ((i = source.find('<', i)) + 1 < source.n && !failed()) {
      bool closing = source.html[i + 1] == '/';
      Size at = i + (closing ? 2 : 1);
      if (at >= source.n) return source.n;
      if (source.html[i + 1] == '!') {
        i = source.starts(i, "<!--") ? source.after_comment(i + 4) : source.after('>', i + 2);
      } else if (is_letter(source.html[at])) {
        i = source.read_tag(at, closing, tag);
        Element e = tag.element;
        if (i == TOO_MANY || e == E_plaintext) give_up();
        if (i < 0 || failed()) return source.n;
        if (e == E_template_) {
          depth += closing ? -1 : 1;
          if (depth) continue;
          if (marked) give_up();  // a marker stays behind in the list of formatting elements
          return i;
        }
        if (ELEMENT.kind[e] & (MARKS | PART) && ELEMENT.kind[e] & SCOPE) marked += closing ? -1 : 1;
        if (closing) {
          continue;
        } else if (e == E_svg) {
          i = tag.self_closing ? i : after_svg(i);
        } else if (e == E_script || e == E_title || e == E_textarea || ELEMENT.kind[e] & RAW) {
          Size name = tag.at, size = tag.end - tag.at;
          i = e == E_script ? source.script_end(i, name) : source.raw_end(i, name, size);
        }
      } else {
        i = closing || source.html[at] == '?' ? source.after('>', at) : i + 1;
      }
    }
    return source.n;
  }

  // behind the drawing whose start tag ended at i
  Size after_svg(Size i) {
    struct {
      Size at, size;
      bool takes_html;
    } names[DRAWING];
    int depth = 0;
    const Byte* html = source.html;
    const Size n = source.n;
    while ((i = source.find('<', i)) + 1 < n) {
      if (html[i + 1] == '!') {
        if (source.starts(i, "<!--")) {
          i = source.after_comment(i + 4);
        } else if (source.starts(i, "<![cdata[")) {
          for (i = source.find('>', i + 9); i < n && !(html[i - 1] == ']' && html[i - 2] == ']');) i = source.find('>', i + 1);
          i++;
        } else {
          i = source.after('>', i + 2);
        }
        continue;
      }
      bool closing = html[i + 1] == '/';
      Size at = i + (closing ? 2 : 1);
      if (at >= n) return n;
      if (!is_letter(html[at])) {
        i = closing || html[at] == '?' ? source.after('>', at) : i + 1;
        continue;
      }
      i = source.read_tag(at, closing, tag);
      if (i == NO_END) return n;
      Element e = tag.element;
      Size size = tag.end - tag.at;
      if (closing) {
        int j = depth - 1;
        while (j >= 0 && !(names[j].size == size && source.same(names[j].at, at, size))) j--;
        if (j < 0 && e == E_svg) return i;
        if (j < 0 || e == E_p || e == E_br) give_up();  // what closes HTML around the drawing
        if (failed()) return n;
        depth = j;
        continue;
      }
      bool takes_html = depth && names[depth - 1].takes_html;
      if (i == TOO_MANY || depth == DRAWING || takes_html || ELEMENT.kind[e] & BREAKS_OUT || e == E_font) {
        give_up();  // HTML in the drawing, or what ends it early
        return n;
      }
      if (!tag.self_closing) names[depth++] = {at, size, e == E_foreignobject || e == E_desc || e == E_title};
    }
    return n;
  }

  // the start tags of 13.2.6.4.7 that are neither raw text nor part of a table
  void start_in_body() {
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
      if (quirks == UNSURE && open.in_scope(E_p, SCOPE | BUTTON_SCOPE) >= 0) give_up();
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
    if (failed()) return;
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
      if (open.last_mark(E_a) >= 0) give_up();
    }
    open.reconstruct();
    if (e == E_nobr && open.in_scope(E_nobr, SCOPE) >= 0) {
      open.close_formatting(E_nobr);
      open.reconstruct();
    }
    if (failed()) return;
    Size at = w.o;
    insert();
    if (!failed()) open.put_mark(e, at);
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

  // ---- end tags

  void end() {
    Element e = tag.element;
    if (tables.mode < IN_BODY && end_before_body()) return;
    if (tables.mode > IN_BODY) {
      if (tables.end(e) == IGNORED) return;
    } else if (e == E_body || e == E_html) {
      return;  // what follows still belongs to what is open
    }
    end_in_body();
  }

  // true: that was all
  bool end_before_body() {
    Element e = tag.element;
    Mode mode = tables.mode;
    if (mode == IN_HEAD_NOSCRIPT && e == E_noscript) {
      open.pop();
      tables.mode = IN_HEAD;
      return true;
    }
    if (e == E_head && mode != IN_HEAD_NOSCRIPT) {
      if (mode <= IN_HEAD) {
        to_head();
        tables.mode = AFTER_HEAD;
      }
      return true;
    }
    if (e != E_br && (mode == IN_HEAD_NOSCRIPT || (e != E_body && e != E_html))) return true;
    to_body();
    return e != E_br;
  }

  // the end tags of 13.2.6.4.7
  void end_in_body() {
    Element e = tag.element;
    uint32_t kind = ELEMENT.kind[e];
    if (kind & FORMATTING) {
      if (!open.close_formatting(e)) open.close_named(source, tag);
    } else if (e == E_p) {
      if (!open.paragraphs || open.in_scope(E_p, SCOPE | BUTTON_SCOPE) < 0) {
        if (open.current_is(TABLEISH)) give_up();
        else open.push_implied(E_p, "p");
      }
      if (!failed()) open.close_p();
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
      if (open.current_is(TABLEISH)) give_up();
      else open.reconstruct();
      if (!failed() && w.has(8)) w.word("<br>");
    } else {
      open.close_named(source, tag);
    }
  }

  bool end_block(Element e) { return open.close(e, SCOPE); }
};

}  // namespace weft

extern "C" {

// One named character reference: its name without `&`, one or two characters.
void weft_reference(const char* name, int64_t size, uint32_t first, uint32_t second) {
  weft::REFERENCE.add(reinterpret_cast<const weft::Byte*>(name), size, first, second);
}

// Fill `out` with the page regularly written: how many bytes, or -1: the page is given up.
int64_t weft_normal(const uint8_t* html, int64_t n, uint8_t* out, int64_t cap) {
  return std::make_unique<weft::Page>(html, n, out, cap)->read();
}
}

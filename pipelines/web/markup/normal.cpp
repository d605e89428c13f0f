// HTML as browsers read it (the HTML standard, 13.2), written out regularly: every element closed, every attribute quoted, four escapes.
//
// The same bytes as parsing with Lexbor, taking out scripts, styles, SVG and templates, and serialising, but for comments, which are left out:
// in one pass, without a tree. Where the standard moves what has been placed already, beyond a block out of misnested formatting (text straight
// in a table), or the page holds what pages rarely hold (MathML, frames), it is given up, and the parser reads it.

#include <memory>

#include "body.h"
#include "skipped.h"

namespace weft {

struct Page {
  static constexpr Size STASH = 1024;  // bytes of white space between head and body that are kept

  Source source;
  Writer w;
  OpenElements open{w};
  Tables tables{open};
  Tag tag;
  Body body{source, open, tables, tag};
  Byte stash[STASH];
  Size n_stash = 0;

  Page(const Byte* html, Size n, Byte* out, Size cap) : source{html, n}, w{out, 0, cap, html + n} {}

  bool failed() const { return open.failed(); }
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
      if (likely(at < n && is_letter(html[at]))) {
        i = source.read_tag(at, closing, tag);
        if (seldom(i == NO_END)) break;  // the source ends inside a tag: browsers drop it
        if (seldom(i == TOO_MANY || ELEMENT.kind[tag.element] & LEAVES)) {
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
      body.quirks = doctype(i + 7);
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
    if (seldom(!tables.takes_text())) {
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

  Size start(Size i) {
    Element e = tag.element;
    if (seldom(e == E_html)) {
      if (tables.mode <= BEFORE_HTML) {
        body.insert();
        tables.mode = BEFORE_HEAD;
      } else {
        open.add_attributes(0, source, tag);
      }
      return i;
    }
    if (seldom(tables.mode < IN_BODY) && start_before_body(i)) return i;
    if (failed()) return i;
    if (seldom(e == E_body)) {
      open.add_attributes(1, source, tag);
      return i;
    }
    if (seldom(e == E_head || e == E_frame)) return i;
    if (seldom(tables.mode > IN_BODY)) {
      if (start_in_table()) return i;
      if (failed()) return i;
    } else if (seldom(ELEMENT.kind[e] & PART)) {
      return i;
    }
    if (seldom(e == E_svg)) {
      open.reconstruct();
      return tag.self_closing ? i : skip(&Skipped::after_svg, i);
    }
    if (seldom(e == E_template_)) return skip(&Skipped::after_template, i);
    if (seldom(e == E_script || e == E_title || e == E_textarea || ELEMENT.kind[e] & RAW)) {
      if (e == E_xmp) {
        open.close_p();
        open.reconstruct();
      }
      if (e == E_textarea && open.must_reconstruct()) give_up();  // Lexbor reconstructs inside it, the standard does not
      return raw_element(i);
    }
    body.start();
    return e == E_pre || e == E_listing ? after_line_feed(after_nothing(i)) : i;
  }

  // true: that was all
  bool start_before_body(Size& i) {
    Element e = tag.element;
    if (e == E_head) {
      to_html();
      if (tables.mode == BEFORE_HEAD) {
        body.insert();
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
      if (ELEMENT.kind[e] & VOID) body.insert_void();
      else i = e == E_template_ ? skip(&Skipped::after_template, i) : raw_element(i);
      return true;
    }
    if (e == E_noscript && tables.mode <= IN_HEAD) {
      to_head();
      body.insert();
      tables.mode = IN_HEAD_NOSCRIPT;
      return true;
    }
    if (e == E_body) {
      close_head();
      body.insert();
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
        if (type && type->end - type->value == 6 && source.starts(type->value, "hidden")) body.insert_void();
        else give_up();
        return true;
      }
      if (e == E_form) {
        if (open.form == OpenElements::NONE) {
          body.insert();
          if (!failed()) open.pop();
          open.form = OpenElements::NOT_OPEN;
        }
        return true;
      }
    }
    Place place = tables.start(e);
    if (failed() || place == IGNORED) return true;
    if (place != AS_IN_BODY) {
      if (ELEMENT.kind[e] & VOID) body.insert_void();
      else body.insert();
      if (place == INSERTED_MARKED) open.put_marker();
      return true;
    }
    if (!tables.takes_text() && e != E_script && e != E_style && e != E_template_) give_up();  // an element straight in a table
    return failed();
  }

  Size skip(Size (Skipped::*past)(Size), Size i) {
    Skipped skipped{source};
    i = (skipped.*past)(i);
    if (skipped.given_up) give_up();
    return i;
  }

  // `</>` is no token at all: what follows it follows what was before it
  Size after_nothing(Size i) const {
    while (source.starts(i, "</>")) i += 3;
    return i;
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

  // ---- end tags

  void end() {
    Element e = tag.element;
    if (seldom(tables.mode < IN_BODY) && end_before_body()) return;
    if (seldom(tables.mode > IN_BODY)) {
      if (tables.end(e) == IGNORED) return;
    } else if (e == E_body || e == E_html) {
      return;  // what follows still belongs to what is open
    }
    body.end();
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

// What is passed over with all it holds: drawings and templates. Only their ends are looked for, by the rules of what stands in them.
#pragma once

#include "source.h"

namespace weft {

struct Skipped {
  static constexpr int DRAWING = 256;  // open elements of a drawing

  const Source& source;
  Tag tag;
  bool given_up = false;  // it holds what ends it early, or what changes how the page goes on

  explicit Skipped(const Source& s) : source(s) {}

  // behind the template whose start tag ended at i
  Size after_template(Size i) {
    int depth = 1, marked = 0;
    while ((i = source.find('<', i)) + 1 < source.n && !given_up) {
      bool closing = source.html[i + 1] == '/';
      Size at = i + (closing ? 2 : 1);
      if (at >= source.n) return source.n;
      if (source.html[i + 1] == '!') {
        i = source.starts(i, "<!--") ? source.after_comment(i + 4) : source.after('>', i + 2);
      } else if (is_letter(source.html[at])) {
        i = source.read_tag(at, closing, tag);
        Element e = tag.element;
        if (i == TOO_MANY || e == E_plaintext) given_up = true;
        if (i < 0 || given_up) return source.n;
        if (e == E_template_) {
          depth += closing ? -1 : 1;
          if (depth) continue;
          if (marked) given_up = true;  // a marker stays behind in the list of formatting elements
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
        if (j < 0 || e == E_p || e == E_br) given_up = true;  // what closes HTML around the drawing
        if (given_up) return n;
        depth = j;
        continue;
      }
      bool takes_html = depth && names[depth - 1].takes_html;
      if (i == TOO_MANY || depth == DRAWING || takes_html || ELEMENT.kind[e] & BREAKS_OUT || e == E_font) {
        given_up = true;  // HTML in the drawing, or what ends it early
        return n;
      }
      if (!tag.self_closing) names[depth++] = {at, size, e == E_foreignobject || e == E_desc || e == E_title};
    }
    return n;
  }
};

}  // namespace weft

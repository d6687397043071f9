package subtitle

import "strings"

// markup turns the text of a cue into that of WebVTT: of tags only i, b and u
// stay, closed in order; of SubStation's codes in braces those that mean the
// same, and the place at the top.
func markup(text string) (vtt string, top bool) {
	m := marker{}
	text = strings.TrimSpace(text)
	for text != "" {
		switch text[0] {
		case '<':
			if tag, rest, ok := strings.Cut(text[1:], ">"); ok && isTag(tag) {
				m.tag(strings.ToLower(tag))
				text = rest
				continue
			}
		case '{':
			if codes, rest, ok := strings.Cut(text[1:], "}"); ok && strings.HasPrefix(codes, `\`) {
				m.codes(codes)
				text = rest
				continue
			}
		case '\\':
			if len(text) > 1 && strings.IndexByte("Nnh", text[1]) >= 0 {
				m.write(map[byte]string{'N': "\n", 'n': "\n", 'h': "\u00a0"}[text[1]])
				text = text[2:]
				continue
			}
		}
		next := 1 + strings.IndexAny(text[1:], `<{\`)
		if next == 0 {
			next = len(text)
		}
		m.write(escape(text[:next]))
		text = text[next:]
	}
	m.close(0)
	return clean(m.out.String()), m.top
}

func escape(text string) string {
	return strings.NewReplacer("&amp;", "&amp;", "&lt;", "&lt;", "&gt;", "&gt;", "&nbsp;", "&nbsp;",
		"&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// isTag reports whether what stands between angle brackets is a tag, and not
// two words of a text.
func isTag(tag string) bool {
	name, _, _ := strings.Cut(strings.TrimPrefix(tag, "/"), " ")
	switch strings.ToLower(name) {
	case "i", "b", "u", "s", "font", "span", "br", "p", "c", "v", "em", "strong":
		return !strings.ContainsAny(tag, "<\n")
	}
	return false
}

// marker writes a text and knows which tags are open.
type marker struct {
	out  strings.Builder
	open []string
	top  bool
	draw bool // what follows are the lines of a drawing
}

func (m *marker) write(text string) {
	if !m.draw {
		m.out.WriteString(text)
	}
}

func (m *marker) tag(tag string) {
	switch name, closing := strings.CutPrefix(tag, "/"); name {
	case "br", "br/":
		m.write("\n")
	case "i", "b", "u":
		m.set(name, !closing)
	case "em":
		m.set("i", !closing)
	case "strong":
		m.set("b", !closing)
	}
}

// set opens or closes a tag, if it is not so already.
func (m *marker) set(name string, on bool) {
	at := -1
	for i, open := range m.open {
		if open == name {
			at = i
		}
	}
	switch {
	case on && at < 0:
		m.open = append(m.open, name)
		m.write("<" + name + ">")
	case !on && at >= 0:
		inner := append([]string(nil), m.open[at+1:]...)
		m.close(at)
		for _, name := range inner {
			m.set(name, true)
		}
	}
}

// close closes all tags but the first few.
func (m *marker) close(keep int) {
	for len(m.open) > keep {
		m.out.WriteString("</" + m.open[len(m.open)-1] + ">")
		m.open = m.open[:len(m.open)-1]
	}
}

// codes reads SubStation's override codes, as "\an8\i1".
func (m *marker) codes(all string) {
	for code := range strings.SplitSeq(all, `\`) {
		switch code = strings.TrimSpace(code); code {
		case "i1", "b1", "u1":
			m.set(code[:1], true)
		case "i0", "b0", "u0":
			m.set(code[:1], false)
		case "an7", "an8", "an9", "a5", "a6", "a7":
			m.top = true
		case "p0":
			m.draw = false
		default:
			if len(code) > 1 && code[0] == 'p' && strings.Trim(code[1:], "0123456789") == "" {
				m.draw = true
			}
		}
	}
}

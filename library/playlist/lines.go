package playlist

import "strconv"

// writeM3U writes Latin-1, which is all that old Winamp reads, if every text
// fits it, else UTF-8.
func writeM3U(p *printer, l List) {
	encode := func(s string) string { return s }
	if fitsLatin1(l) {
		encode = func(s string) string {
			if t, ok := latin1(s); ok {
				return t
			}
			return s
		}
	}
	m3u(p, l, encode)
}

func writeM3U8(p *printer, l List) {
	m3u(p, l, func(s string) string { return s })
}

func m3u(p *printer, l List, encode func(string) string) {
	p.print("#EXTM3U\n")
	if t := oneLine(l.Title); t != "" {
		p.print("#PLAYLIST:", encode(t), "\n")
	}
	p.each(l, func(_ int, e Entry) {
		p.print("#EXTINF:", strconv.FormatInt(wholeSeconds(e.Duration), 10), ",", encode(label(e)), "\n")
		p.print(oneWord(e.URL), "\n")
	})
}

func fitsLatin1(l List) bool {
	_, ok := latin1(oneLine(l.Title))
	if l.Entries == nil || !ok {
		return ok
	}
	for e := range l.Entries {
		if _, ok := latin1(label(e)); !ok {
			return false
		}
	}
	return true
}

// writePLS writes the number of entries at the end, where it is known.
func writePLS(p *printer, l List) {
	p.print("[playlist]\n")
	n := p.each(l, func(n int, e Entry) {
		i := strconv.Itoa(n)
		p.print("File", i, "=", oneWord(e.URL), "\n")
		p.print("Title", i, "=", label(e), "\n")
		p.print("Length", i, "=", strconv.FormatInt(wholeSeconds(e.Duration), 10), "\n")
	})
	p.print("NumberOfEntries=", strconv.Itoa(n), "\nVersion=2\n")
}

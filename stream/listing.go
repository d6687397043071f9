package stream

import (
	"bufio"
	"html"
	"io"
	"net/http"
	"strings"

	"mustserv/library"
)

// serveListing answers with the folders and items of a folder, one link a
// line, its text the decoded link: Kodi, VLC and wget walk that.
func (s *Server) serveListing(w http.ResponseWriter, r *http.Request, folder *library.Folder) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", "default-src 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodHead {
		writeListing(w, folder) // a client that is gone needs no answer
	}
}

func writeListing(w io.Writer, folder *library.Folder) error {
	b := bufio.NewWriter(w)
	title := html.EscapeString(text("/" + folder.Path))
	b.WriteString("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>" + title + "</title></head>\n<body><h1>" + title + "</h1>\n<pre>\n")
	if folder.Path != "" {
		b.WriteString("<a href=\"../\">../</a>\n")
	}
	for _, f := range folder.Folders {
		writeLink(b, f.Name, "/")
	}
	for _, it := range folder.Items {
		writeLink(b, it.Name, "")
	}
	b.WriteString("</pre></body></html>\n")
	return b.Flush()
}

// writeLink writes a relative link; an escaped name holds no colon, which
// could be read as a scheme.
func writeLink(b *bufio.Writer, name, suffix string) {
	b.WriteString("<a href=\"" + library.EscapePath(name) + suffix + "\">" + html.EscapeString(text(name)+suffix) + "</a>\n")
}

// text makes a name fit for one line of text in any output.
func text(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(name, "\uFFFD"))
}

func folderURL(f *library.Folder) string {
	if f.Path == "" {
		return "/media/"
	}
	return "/media/" + library.EscapePath(f.Path) + "/"
}

package webui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"sync"

	"mustserv/stream/auth"
)

//go:embed templates
var templateFiles embed.FS

// pages holds the templates of a language by name. Each is parsed when it is
// first asked for: a server to which no browser comes does without.
type pages map[string]func() (*template.Template, error)

// newPages makes a template of each page in a language, together with the
// layout and the parts that several pages share.
func newPages(s statics, t *tongue) pages {
	all := pages{}
	for _, name := range []string{"browse", "cards", "watch", "search", "status", "login", "admin", "error"} {
		all[name] = sync.OnceValues(func() (*template.Template, error) {
			return template.New(name).Funcs(helpers(s, t)).ParseFS(templateFiles,
				"templates/layout.html", "templates/parts.html", "templates/"+name+".html")
		})
	}
	return all
}

// helpers are what templates call: t has a text of the catalogue, tell what a
// page says.
func helpers(s statics, t *tongue) template.FuncMap {
	return template.FuncMap{
		"static": s.url, "kinds": kindLinks, "visible": visible, "plain": plain, "language": func() string { return t.code },
		"t": t.say, "tell": func(s saying) string { return s.in(t) },
		"clock": clock, "span": t.span, "precise": t.precise, "size": t.size, "rate": t.rate,
		"count": t.count, "figure": t.figure, "thousands": t.thousands,
	}
}

// frame is what every page has around its own content.
type frame struct {
	Title  string // of the page
	Site   string // what the library is called
	Query  string // what the search box holds
	User   string // who is logged in, empty for nobody
	Users  bool   // there are some
	Admin  bool   // who asks is one
	Server Status
	Page   any
}

// render answers with a page; nothing is written if that fails.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, status int, name string, title saying, page any) error {
	language := h.tongue(r)
	f := frame{
		Title: title.in(language), Site: h.Config().Title, Server: h.Status(), Page: page,
		User: auth.Who(r.Context()).User, Users: h.Keeper.On(), Admin: h.isAdmin(r),
	}
	if name == "search" {
		f.Query = r.URL.Query().Get("q")
	}
	var b bytes.Buffer
	t, err := h.pages[language.code][name]()
	if err == nil {
		err = t.ExecuteTemplate(&b, "layout", f)
	}
	if err != nil {
		return fmt.Errorf("render page %s: %w", name, err)
	}
	h.speak(w, language)
	body := b.Bytes()
	if takesGzip(w, r) && len(body) >= worthPacking {
		body = h.packer.pack(body)
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a browser that has gone is no error of ours
	return nil
}

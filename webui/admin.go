package webui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"mustserv/stream/accounting"
	"mustserv/stream/auth"
	"mustserv/webui/settings"
)

const configMax = 1 << 20 // bytes of a config, or of a form with one

// Admin is what the admin pages can do. Its methods may be called
// concurrently.
type Admin interface {
	// ReadConfig returns the config file. One that is not there yet has a name
	// all the same, and the text of the built-in one.
	ReadConfig() (settings.File, error)
	// CheckConfig returns what is wrong with a config, in its order.
	CheckConfig(text string) []settings.Mistake
	// SaveConfig puts a text in place of the file with that hash, keeps the
	// one before beside it, and applies it. On any error file and program are
	// as they were; settings.ErrOvertaken says that the file is another one by now.
	SaveConfig(text, hash string) error
	// TryShare reads the top of a share as it would be read, and says what it
	// found.
	TryShare(ctx context.Context, s NewShare) (found string, err error)
	// EndSession ends a session at once, and returns it as it was; false if
	// there is none.
	EndSession(id string) (accounting.Session, bool)
	// Drain lets other nodes have the viewers, or takes viewers in again.
	Drain(on bool)
	// Draining reports whether it does.
	Draining() bool
	// Rescan looks through all shares again.
	Rescan()
	// Log returns the last lines of the log.
	Log() []string
}

// NewShare is a [[share]] block to be.
type NewShare struct{ Name, Place, User, Password string }

type adminPage struct {
	File     settings.File
	Text     string // as it is in the editor
	Mistakes []settings.Mistake
	Checked  bool     // and there are none
	Diff     []change // what saving would change
	Review   bool
	Said     saying // what was done; nil for nothing
	Problem  saying // or could not be
	Share    NewShare
	Log      []string

	Cluster, Draining bool // there are other nodes; they get the viewers
}

// admin shows the config, the log, and what can be done.
func (h *Handler) admin(w http.ResponseWriter, r *http.Request, _ string) error {
	file, err := h.Admin.ReadConfig()
	p := adminPage{File: file, Text: file.Text}
	if err != nil {
		p.Problem = verbatim(capital(err.Error()) + ".")
	}
	switch r.URL.Query().Get("done") {
	case "saved":
		p.Said = say("Saved and applied.")
	case "rescan":
		p.Said = say("All shares are being looked through.")
	case "drain":
		p.Said = say("The other nodes get the viewers now.")
	case "undrain":
		p.Said = say("This node takes viewers again.")
	}
	return h.renderAdmin(w, r, http.StatusOK, p)
}

func (h *Handler) renderAdmin(w http.ResponseWriter, r *http.Request, status int, p adminPage) error {
	p.Log, p.Cluster, p.Draining = h.Admin.Log(), len(h.nodes()) > 0, h.Admin.Draining()
	return h.render(w, r, status, "admin", say("Admin"), p)
}

// changeConfig checks a text, shows what it would change, or saves it.
func (h *Handler) changeConfig(w http.ResponseWriter, r *http.Request, _ string) error {
	r.Body = http.MaxBytesReader(w, r.Body, 4*configMax) // percent-encoded
	if err := r.ParseForm(); err != nil {
		return &parameterError{"text", "", fmt.Sprintf("at most %d bytes", configMax)}
	}
	p, err := h.adminForm(r)
	if err != nil {
		return err
	}
	p.Mistakes = h.Admin.CheckConfig(p.Text)
	p.Checked = len(p.Mistakes) == 0
	switch {
	case !p.Checked:
		return h.renderAdmin(w, r, http.StatusUnprocessableEntity, p)
	case r.PostForm.Get("action") == "review":
		p.Review = true
	case r.PostForm.Get("action") == "save":
		return h.save(w, r, p)
	}
	return h.renderAdmin(w, r, http.StatusOK, p)
}

// adminForm returns the page for what was sent: the text in the editor beside
// the file, as it was when the editor was opened if its hash says so.
func (h *Handler) adminForm(r *http.Request) (adminPage, error) {
	file, err := h.Admin.ReadConfig()
	if err != nil {
		return adminPage{}, err
	}
	text := strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n") // as forms send lines
	p := adminPage{File: file, Text: text, Diff: diff(file.Text, text)}
	p.File.Hash = r.PostForm.Get("hash")
	return p, nil
}

func (h *Handler) save(w http.ResponseWriter, r *http.Request, p adminPage) error {
	err := h.Admin.SaveConfig(p.Text, p.File.Hash)
	switch {
	case err == nil:
		h.Log.Info("config saved on the admin page", "user", auth.Who(r.Context()).User, "client", clientOf(r))
		return redirect(w, "/admin?done=saved")
	case errors.Is(err, settings.ErrOvertaken):
		file, err := h.Admin.ReadConfig()
		if err != nil {
			return err
		}
		p.File, p.Review = file, true
		p.Problem = say("Somebody else has saved the config meanwhile. Below is what your text would change in theirs.")
		return h.renderAdmin(w, r, http.StatusConflict, p)
	}
	p.Problem = say("Not saved: %s", err.Error())
	return h.renderAdmin(w, r, http.StatusUnprocessableEntity, p)
}

// checkConfig answers a script with what is wrong in a text.
func (h *Handler) checkConfig(w http.ResponseWriter, r *http.Request, _ string) error {
	var text bytes.Buffer
	if _, err := text.ReadFrom(http.MaxBytesReader(w, r.Body, configMax)); err != nil {
		return &parameterError{"text", "", fmt.Sprintf("at most %d bytes", configMax)}
	}
	found := h.Admin.CheckConfig(text.String())
	if found == nil {
		found = []settings.Mistake{}
	}
	return answerJSON(w, map[string][]settings.Mistake{"mistakes": found})
}

// addShare tries a share and, if it is to be added, shows what its block
// changes; saving is the next step.
func (h *Handler) addShare(w http.ResponseWriter, r *http.Request, _ string) error {
	r.Body = http.MaxBytesReader(w, r.Body, configMax)
	file, err := h.Admin.ReadConfig()
	if err != nil {
		return err
	}
	s := NewShare{
		Name: strings.TrimSpace(r.PostFormValue("name")), Place: strings.TrimSpace(r.PostFormValue("place")),
		User: strings.TrimSpace(r.PostFormValue("user")), Password: r.PostFormValue("password"),
	}
	p := adminPage{File: file, Text: file.Text, Share: s}
	p.Share.Password = "" // never sent back but in the config
	text := appendShare(file.Text, s)
	if p.Mistakes = h.Admin.CheckConfig(text); len(p.Mistakes) > 0 {
		p.Text = text
		return h.renderAdmin(w, r, http.StatusUnprocessableEntity, p)
	}
	found, err := h.Admin.TryShare(r.Context(), s)
	if err != nil {
		p.Problem = say("It can't be read: %s", err.Error())
	} else {
		p.Said = verbatim(found)
	}
	if r.PostFormValue("action") == "add" {
		p.Text, p.Review, p.Diff = text, true, diff(file.Text, text)
	}
	return h.renderAdmin(w, r, http.StatusOK, p)
}

// appendShare returns a config with one more block at its end; the rest stays
// as it is.
func appendShare(text string, s NewShare) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	block := "\n[[share]]\nname = " + quoted(s.Name) + "\n"
	if strings.Contains(s.Place, "://") {
		block += "url = " + quoted(s.Place) + "\n"
	} else {
		block += "path = " + quoted(s.Place) + "\n"
	}
	if s.User != "" {
		block += "user = " + quoted(s.User) + "\n"
	}
	if s.Password != "" {
		block += "password = " + quoted(s.Password) + "\n"
	}
	return text + block
}

// quoted writes a TOML string; what JSON makes of one is one.
func quoted(text string) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // of a string it can't fail
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
}

func (h *Handler) rescan(w http.ResponseWriter, _ *http.Request, _ string) error {
	h.Admin.Rescan()
	return redirect(w, "/admin?done=rescan")
}

// drain lets the other nodes have the viewers, or ends that.
func (h *Handler) drain(w http.ResponseWriter, r *http.Request, _ string) error {
	r.Body = http.MaxBytesReader(w, r.Body, formMax)
	on := r.PostFormValue("on") != ""
	h.Admin.Drain(on)
	if on {
		return redirect(w, "/admin?done=drain")
	}
	return redirect(w, "/admin?done=undrain")
}

// isAdmin reports whether who asks may do what the admin pages offer.
func (h *Handler) isAdmin(r *http.Request) bool {
	return h.Admin != nil && auth.Who(r.Context()).Role.May(auth.Admin)
}

// needAdmin keeps others out, whoever has let them in before.
func (h *Handler) needAdmin(answer endpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request, rest string) error {
		if !h.isAdmin(r) {
			return errNoPage
		}
		w.Header().Set("Cache-Control", "no-store") // there may be passwords in it
		return answer(w, r, rest)
	}
}

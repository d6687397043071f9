package webui

import (
	"net/http"
	"strings"
	"time"

	"mustserv/library"
	"mustserv/stream/accounting"
	"mustserv/stream/auth"
)

// longLead is the lead that fills its bar.
const longLead = 30 * time.Second

type statusPage struct {
	Status
	Admin                        bool   // who looks may end sessions
	Said                         saying // what was done; nil for nothing
	Hour                         *graph // nil while there is none
	ReservedPercent, SentPercent int    // of the capacity
	Items, Unmeasured            int
	Bytes                        int64
	Sessions                     []sessionRow
	Others                       []nodeRow // and this one; none where it is alone
	Shares                       []shareRow
}

// sessionRow is a session as it is shown.
type sessionRow struct {
	ID                  string
	Client, User, Agent string
	Name, In, URL       string // of the item; any bytes in the first two
	Needed, Sent        int64  // bit/s
	Bytes               int64
	Since               time.Duration
	Lead                time.Duration // 0 if not known
	LeadPercent         int           // of a long one
	RTT                 time.Duration // 0 if not known
	Lost                int           // segments
	Stalls              int64
	Active              bool
}

// shareRow is a share as it is shown.
type shareRow struct {
	Name, URL         string // the address is empty if there is no folder yet
	Kind, Reason      string
	Cache             saying // nil where there is none
	State             saying
	Waiting           int
	Bad               bool
	Items, Unmeasured int
	Bytes             int64
	Scanned           saying // nil if it never was
}

// status shows who watches what, and how the server and its shares are.
func (h *Handler) status(w http.ResponseWriter, r *http.Request, _ string) error {
	p := h.statusPage(time.Now())
	p.Admin = h.isAdmin(r)
	switch r.URL.Query().Get("done") {
	case "ended":
		p.Said = say("The session was ended. Its player does not get the file again for half a minute.")
	case "gone":
		p.Said = say("That session had ended already.")
	}
	return h.render(w, r, http.StatusOK, "status", say("Status"), p)
}

func (h *Handler) statusPage(now time.Time) statusPage {
	p := statusPage{Status: h.Status(), Hour: newGraph(h.hour.samples(now))}
	p.ReservedPercent = percent(p.Reserved, p.Capacity)
	p.SentPercent = percent(p.SentRate, p.Capacity)
	for _, s := range h.Sessions() {
		p.Sessions = append(p.Sessions, h.sessionRow(s, now))
	}
	p.Others = nodeRows(h.nodes(), now)
	for _, s := range h.Library.Shares() {
		p.Items, p.Unmeasured, p.Bytes = p.Items+s.Items, p.Unmeasured+s.Unmeasured, p.Bytes+s.Bytes
		p.Shares = append(p.Shares, h.shareRow(s, now))
	}
	return p
}

// endSession answers the form of the page.
func (h *Handler) endSession(w http.ResponseWriter, r *http.Request, _ string) error {
	r.Body = http.MaxBytesReader(w, r.Body, formMax)
	if _, ok := h.end(r, r.PostFormValue("id")); !ok {
		return redirect(w, "/status?done=gone")
	}
	return redirect(w, "/status?done=ended")
}

// apiEndSession answers a POST to /api/v1/sessions/ID/end with the session as
// it was.
func (h *Handler) apiEndSession(w http.ResponseWriter, r *http.Request, rest string) error {
	id, _ := strings.CutSuffix(rest, "/end")
	s, ok := h.end(r, id)
	if !ok {
		return errNoSession
	}
	return answerJSON(w, describeSession(s))
}

func (h *Handler) end(r *http.Request, id string) (accounting.Session, bool) {
	s, ok := h.Admin.EndSession(id)
	if ok {
		h.Log.Info("session ended by an admin", "user", auth.Who(r.Context()).User, "from", clientOf(r), "client", s.Client, "path", s.Path)
	}
	return s, ok
}

func percent(part, whole int64) int {
	if whole <= 0 {
		return 0
	}
	return int(min(100, max(0, float64(part)/float64(whole)*100)))
}

func (h *Handler) sessionRow(s accounting.Session, now time.Time) sessionRow {
	row := sessionRow{
		ID: s.ID, Client: s.Client, User: s.User, Agent: playerName(s.UserAgent), In: parent(s.Path), URL: watchURL(s.Path),
		Name:   s.Path[strings.LastIndexByte(s.Path, '/')+1:],
		Needed: s.NeededRate, Sent: s.SentRate, Bytes: s.Bytes, Since: now.Sub(s.Started), Active: s.Active,
		Stalls: s.Stalls, RTT: s.RTT, Lost: int(s.Retransmitted), Lead: time.Duration(s.Lead * float64(time.Second)),
	}
	row.LeadPercent = percent(int64(row.Lead), int64(longLead))
	if it, _, err := h.lookup(s.Path); err == nil && it != nil {
		row.Name = it.Title()
	}
	return row
}

// playerName returns the player that a User-Agent stands for: "VLC 3.0.24",
// "Firefox 140.0".
func playerName(agent string) string {
	if strings.HasPrefix(agent, "Mozilla/") {
		for _, browser := range []string{"Edg/", "OPR/", "Firefox/", "Chrome/", "Version/"} {
			if i := strings.Index(agent, browser); i >= 0 {
				agent = strings.Replace(agent[i:], "Version/", "Safari/", 1)
				break
			}
		}
	}
	name, _, _ := strings.Cut(agent, " ")
	const longest = 60
	return strings.Replace(name[:min(len(name), longest)], "/", " ", 1)
}

func (h *Handler) shareRow(s library.ShareStatus, now time.Time) shareRow {
	row := shareRow{
		Name: s.Name, Kind: s.Kind, State: stateInWords(s), Reason: s.Reason, Waiting: s.Waiting,
		Bad: s.State == library.Unavailable, Items: s.Items, Unmeasured: s.Unmeasured, Bytes: s.Bytes,
	}
	if reads := s.Cache.Hits + s.Cache.Misses; reads > 0 {
		row.Cache = say("%d %% of reads cached", percent(s.Cache.Hits, reads))
		if s.Cache.FromOthers > 0 {
			row.Cache = say("%d %% of reads cached, %d %% at other nodes", percent(s.Cache.Hits, reads), percent(s.Cache.FromOthers, reads))
		}
	}
	if _, _, err := h.lookup(s.Name); err == nil {
		row.URL = browseURL(s.Name)
	}
	if !s.LastScan.IsZero() {
		row.Scanned = say("%s ago", lasting(now.Sub(s.LastScan)))
		if s.ScanTook > 0 {
			row.Scanned = say("%s ago, took %s", lasting(now.Sub(s.LastScan)), taking(s.ScanTook))
		}
	}
	return row
}

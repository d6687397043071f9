package webui

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"mustserv/library"
	"mustserv/stream/accounting"
)

// refreshStatus is how often a browser asks for the status page again.
const refreshStatus = 5 * time.Second

type statusPage struct {
	Status
	ReservedPercent, SentPercent int // of the capacity
	Items, Unmeasured            int
	Bytes                        int64
	Sessions                     []sessionRow
	Shares                       []shareRow
}

// sessionRow is a session as it is shown.
type sessionRow struct {
	Client, Agent string
	Name, In, URL string // of the item; any bytes in the first two
	Needed, Sent  int64  // bit/s
	Bytes         int64
	Since         time.Duration
	Lead, Network string
	Stalls        int64
	Active        bool
}

// shareRow is a share as it is shown.
type shareRow struct {
	Name, URL         string // the address is empty if there is no folder yet
	Kind, Cache       string // the second is empty where there is none
	State, Reason     string
	Waiting           int
	Bad               bool
	Items, Unmeasured int
	Bytes             int64
	Scanned           string
}

// status shows who watches what, and how the server and its shares are.
func (h *Handler) status(w http.ResponseWriter, r *http.Request, _ string) error {
	w.Header().Set("Refresh", fmt.Sprint(int(refreshStatus.Seconds())))
	return h.render(w, r, http.StatusOK, "status", "Status", h.statusPage(time.Now()))
}

func (h *Handler) statusPage(now time.Time) statusPage {
	p := statusPage{Status: h.Status()}
	p.ReservedPercent = percent(p.Reserved, p.Capacity)
	p.SentPercent = percent(p.SentRate, p.Capacity)
	for _, s := range h.Sessions() {
		p.Sessions = append(p.Sessions, h.sessionRow(s, now))
	}
	for _, s := range h.Library.Shares() {
		p.Items, p.Unmeasured, p.Bytes = p.Items+s.Items, p.Unmeasured+s.Unmeasured, p.Bytes+s.Bytes
		p.Shares = append(p.Shares, h.shareRow(s, now))
	}
	return p
}

func percent(part, whole int64) int {
	if whole <= 0 {
		return 0
	}
	return int(min(100, max(0, float64(part)/float64(whole)*100)))
}

func (h *Handler) sessionRow(s accounting.Session, now time.Time) sessionRow {
	row := sessionRow{
		Client: s.Client, Agent: playerName(s.UserAgent), In: parent(s.Path), URL: watchURL(s.Path),
		Name:   s.Path[strings.LastIndexByte(s.Path, '/')+1:],
		Needed: s.NeededRate, Sent: s.SentRate, Bytes: s.Bytes, Since: now.Sub(s.Started), Active: s.Active, Stalls: s.Stalls,
	}
	if s.Lead > 0 {
		row.Lead = span(time.Duration(s.Lead * float64(time.Second)))
	}
	if s.RTT > 0 {
		row.Network = fmt.Sprintf("round trip %v, %d segments lost", s.RTT.Round(100*time.Microsecond), s.Retransmitted)
	}
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
		row.Cache = fmt.Sprintf("%d %% of reads cached", percent(s.Cache.Hits, reads))
	}
	if _, _, err := h.lookup(s.Name); err == nil {
		row.URL = browseURL(s.Name)
	}
	if !s.LastScan.IsZero() {
		row.Scanned = span(now.Sub(s.LastScan)) + " ago"
		if s.ScanTook > 0 {
			row.Scanned += ", took " + cmp.Or(shortSpan(s.ScanTook), span(s.ScanTook))
		}
	}
	return row
}

// shortSpan returns a time below 10 s in its own terms.
func shortSpan(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return ""
}

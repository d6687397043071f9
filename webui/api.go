package webui

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"strings"
	"time"

	"mustserv/library"
	"mustserv/stream/accounting"
	"mustserv/stream/routing"
)

// Limits of what one answer to a search holds.
const (
	mostResults = 1000
	mostGroups  = 100
)

// writeJSON writes v as one line. What is written is made here, so that only
// a client that has gone can make it fail.
func writeJSON(w io.Writer, v any) { _ = json.NewEncoder(w).Encode(v) }

func answerJSON(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	writeJSON(w, v)
	return nil
}

// apiItems answers for an item or a folder.
func (h *Handler) apiItems(w http.ResponseWriter, r *http.Request, rest string) error {
	at, err := h.locate(r.Context(), rest)
	switch {
	case err != nil:
		return err
	case at.folder != nil:
		return h.apiFolder(w, r, at.folder)
	case at.slash:
		return fs.ErrNotExist
	}
	answer := h.describeItem(origin(r), at.item, h.companyOf(at.item))
	if r.URL.Query().Has("curve") && at.item.Info() != nil {
		answer.Curve = h.curveOf(r.Context(), at.item)
	}
	if r.URL.Query().Has("measured") {
		answer.Measured = at.item.Measured()
	}
	return answerJSON(w, answer)
}

// apiFolder answers with a folder and all in it, or with one page of its items
// where the query has a limit, or with the folders in it alone.
func (h *Handler) apiFolder(w http.ResponseWriter, r *http.Request, f *library.Folder) error {
	part := folderPart{last: len(f.Items)}
	if query := r.URL.Query(); query.Has("folders") {
		part.foldersOnly = true
	} else if query.Has("limit") || query.Has("offset") {
		limit, offset, err := limits(r)
		if err != nil {
			return err
		}
		part.first = min(offset, len(f.Items))
		part.last = min(part.first+limit, len(f.Items))
	}
	if !unchanged(w, r, f) {
		w.Header().Set("Content-Type", "application/json")
		h.writeFolder(w, origin(r), f, part)
	}
	return nil
}

// folderPart is what of a folder is told: its items from the first up to the
// last.
type folderPart struct {
	foldersOnly bool
	first, last int
}

// limits reads how many of a long list are asked for, and from which on.
func limits(r *http.Request) (limit, offset int, err error) {
	if limit, err = number(r, "limit", 100, 1, mostResults); err != nil {
		return 0, 0, err
	}
	offset, err = number(r, "offset", 0, 0, math.MaxInt32)
	return limit, offset, err
}

// unchanged sets the folder's ETag and answers a client that has this version.
// The tag is weak: what an item needs may be told otherwise by another config.
func unchanged(w http.ResponseWriter, r *http.Request, f *library.Folder) bool {
	tag := `"` + version(f) + `"`
	w.Header().Set("ETag", "W/"+tag)
	if !strings.Contains(r.Header.Get("If-None-Match"), tag) {
		return false
	}
	w.WriteHeader(http.StatusNotModified)
	return true
}

// curveOf says by which playing time how much of an item must have come.
func (h *Handler) curveOf(ctx context.Context, it *library.Item) *curveJSON {
	due := examined(ctx, it).Info().Due()
	return &curveJSON{due.Cell, due.Bytes}
}

// writeFolder writes a folder member by member, so that a big one needs
// little memory.
func (h *Handler) writeFolder(w io.Writer, origin string, f *library.Folder, part folderPart) {
	out := bufio.NewWriterSize(w, 16<<10)
	defer out.Flush()
	head, err := json.Marshal(describeFolder(origin, f))
	if err != nil {
		return // strings only: cannot be
	}
	out.Write(head[:len(head)-1])
	out.WriteString(`,"folders":[`)
	for i, sub := range f.Folders {
		separate(out, i)
		writeJSON(out, describeFolder(origin, sub))
	}
	if part.foldersOnly {
		out.WriteString("]}\n")
		return
	}
	fmt.Fprintf(out, `],"total":%d,"items":[`, len(f.Items))
	beside := companyIn(f)
	for i, it := range f.Items[part.first:part.last] {
		separate(out, i)
		writeJSON(out, h.describeItem(origin, it, beside))
	}
	out.WriteString("]}\n")
}

func separate(w *bufio.Writer, i int) {
	if i > 0 {
		w.WriteByte(',')
	}
}

func (h *Handler) apiSearch(w http.ResponseWriter, r *http.Request, _ string) error {
	kind, err := kindAsked(r, library.Video, library.Audio, library.Image, library.Subtitle, library.Playlist, library.Segment)
	if err != nil {
		return err
	}
	limit, offset, err := limits(r)
	if err != nil {
		return err
	}
	groups, err := number(r, "groups", 0, 0, mostGroups)
	if err != nil {
		return err
	}
	found := h.tree().Search(library.Query{Text: r.URL.Query().Get("q"), Kind: kind, Offset: offset, Limit: limit, Groups: groups})
	answer := struct {
		Total  int         `json:"total"`
		Items  []itemJSON  `json:"items"`
		Groups []groupJSON `json:"groups,omitempty"` // only where they are asked for
	}{Total: found.Total, Items: make([]itemJSON, 0, len(found.Items))}
	for _, it := range found.Items {
		answer.Items = append(answer.Items, h.describeItem(origin(r), it, company{}))
	}
	for _, g := range found.Groups {
		answer.Groups = append(answer.Groups, describeGroup(origin(r), g))
	}
	return answerJSON(w, answer)
}

// sessionJSON is a running session in the API.
type sessionJSON struct {
	ID         string    `json:"id"`
	Client     string    `json:"client"`
	User       string    `json:"user"` // empty where nobody need log in
	UserAgent  string    `json:"user_agent"`
	Path       string    `json:"path"`
	Started    time.Time `json:"started"`
	Bytes      int64     `json:"bytes"`
	NeededRate int64     `json:"needed_rate"`
	SentRate   int64     `json:"sent_rate"`
	Lead       float64   `json:"lead"`
	Active     bool      `json:"active"`

	Stalls        int64   `json:"stalls"`
	RTT           float64 `json:"rtt"` // seconds; 0 if not known
	Retransmitted int64   `json:"retransmitted"`
	Saved         int64   `json:"saved"` // bytes
}

func (h *Handler) apiSessions(w http.ResponseWriter, _ *http.Request, _ string) error {
	answer := struct {
		Sessions []sessionJSON `json:"sessions"`
	}{[]sessionJSON{}}
	for _, s := range h.Sessions() {
		answer.Sessions = append(answer.Sessions, describeSession(s))
	}
	return answerJSON(w, answer)
}

func describeSession(s accounting.Session) sessionJSON {
	return sessionJSON{
		ID: s.ID, Client: s.Client, User: s.User, UserAgent: s.UserAgent, Path: s.Path, Started: utc(s.Started), Bytes: s.Bytes,
		NeededRate: s.NeededRate, SentRate: s.SentRate, Lead: finite(s.Lead), Active: s.Active,
		Stalls: s.Stalls, RTT: s.RTT.Seconds(), Retransmitted: s.Retransmitted, Saved: s.Saved,
	}
}

// shareJSON is a share in the API. Its place is not told: it is nobody's
// concern but the admin's.
type shareJSON struct {
	Name       string     `json:"name"`
	Kind       string     `json:"kind"`
	State      string     `json:"state"`
	Reason     string     `json:"reason,omitempty"`
	Since      *time.Time `json:"since,omitempty"`
	Available  bool       `json:"available"`
	Items      int        `json:"items"`
	Unmeasured int        `json:"unmeasured"`
	Bytes      int64      `json:"bytes"`
	LastScan   *time.Time `json:"last_scan,omitempty"`
	ScanTook   float64    `json:"scan_took,omitempty"` // seconds
	Waiting    int        `json:"waiting"`             // streams
	Cache      *cacheJSON `json:"cache,omitempty"`     // where there is one
}

// cacheJSON is what a share's cache has done.
type cacheJSON struct {
	Hits   int64 `json:"hits"`
	Misses int64 `json:"misses"`
	Saved  int64 `json:"saved"` // bytes
}

func describeShare(s library.ShareStatus) shareJSON {
	answer := shareJSON{
		Name: s.Name, Kind: s.Kind, State: string(s.State), Reason: s.Reason, Since: known(s.Since), Available: s.State != library.Unavailable,
		Items: s.Items, Unmeasured: s.Unmeasured, Bytes: s.Bytes, LastScan: known(s.LastScan), ScanTook: s.ScanTook.Seconds(),
		Waiting: s.Waiting,
	}
	if c := s.Cache; c.Hits+c.Misses > 0 {
		answer.Cache = &cacheJSON{c.Hits, c.Misses, c.Saved}
	}
	return answer
}

func (h *Handler) apiShares(w http.ResponseWriter, _ *http.Request, _ string) error {
	answer := struct {
		Shares []shareJSON `json:"shares"`
	}{[]shareJSON{}}
	for _, s := range h.Library.Shares() {
		answer.Shares = append(answer.Shares, describeShare(s))
	}
	return answerJSON(w, answer)
}

func (h *Handler) apiStatus(w http.ResponseWriter, r *http.Request, _ string) error {
	s := h.Status()
	answer := struct {
		Version    string  `json:"version"`
		Node       string  `json:"node"`
		Uptime     float64 `json:"uptime"`
		Items      int     `json:"items"`
		Unmeasured int     `json:"unmeasured"`
		Scanning   bool    `json:"scanning"` // a share's first scan has not ended
		Viewers    int     `json:"viewers"`
		Capacity   int64   `json:"capacity"` // 0: no limit
		Reserved   int64   `json:"reserved"`
		Free       int64   `json:"free"`    // that more viewers can get; 0 where there is no limit
		Waiting    int     `json:"waiting"` // viewers, until there is room
		Lent       int64   `json:"lent"`    // bytes sent early, because there was room
		SentRate   int64   `json:"sent_rate"`

		Routing routing.Told `json:"routing"`
		Nodes   []nodeJSON   `json:"nodes,omitempty"` // but where a node asks
	}{Version: s.Version, Node: s.Node, Uptime: s.Uptime.Seconds(), Viewers: s.Viewers,
		Capacity: s.Capacity, Reserved: s.Reserved, Free: s.Free, Waiting: s.Waiting, Lent: s.Lent, SentRate: s.SentRate, Routing: s.Told}
	if !r.URL.Query().Has("self") {
		answer.Nodes = describeNodes(h.nodes())
	}
	for _, share := range h.Library.Shares() {
		answer.Items += share.Items
		answer.Unmeasured += share.Unmeasured
		answer.Scanning = answer.Scanning || share.State == library.Scanning
	}
	return answerJSON(w, answer)
}

func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// known returns t as the API writes it, or nil if it is zero.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = utc(t)
	return &t
}

// finite keeps JSON from numbers that it cannot write.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}

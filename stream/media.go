package stream

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"mustserv/library"
	"mustserv/library/probe"
	"mustserv/library/source"
	"mustserv/ratelimit"
	"mustserv/stream/accounting"
	"mustserv/stream/auth"
	"mustserv/stream/pacer"
)

// rangesMax is how many ranges one request may ask for; players ask for one.
const rangesMax = 16

// serveMedia answers /media/PATH: an item's bytes or a folder's listing.
func (s *Server) serveMedia(w http.ResponseWriter, r *http.Request) {
	if !allowed(w, r) {
		return
	}
	name, slash, err := library.ParsePath(below(r.URL.EscapedPath(), "/media"))
	if err != nil {
		fail(w, r, err)
		return
	}
	item, folder, err := s.library.Find(r.Context(), name)
	switch {
	case err != nil:
		fail(w, r, err)
	case folder != nil && !slash:
		http.Redirect(w, r, folderURL(folder), http.StatusMovedPermanently)
	case folder != nil:
		s.serveListing(w, r, folder)
	case slash:
		fail(w, r, fs.ErrNotExist)
	default:
		s.serveItem(w, r, item)
	}
}

// serveItem sends an item, or the ranges asked for, at the pace of its
// bucket.
func (s *Server) serveItem(w http.ResponseWriter, r *http.Request, item *library.Item) {
	if r.Method == http.MethodHead {
		s.serveHead(w, r, item)
		return
	}
	client := clientAddr(r) // one for all who keep it
	if wait := s.ledger.Refused(client, played(item).Path); wait > 0 {
		refuseEnded(w, wait)
		return
	}
	need := s.Need(item)
	grant, ok := s.admit(w, r, client, item)
	if !ok {
		return
	}
	if s.lend(w, r, client, item, grant) {
		return
	}
	d, mine := &delivery{Stream: pacer.Stream{Grant: grant}}, true
	defer func() {
		if mine {
			d.End()
		}
	}()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	file, info, ok := open(ctx, w, r, item)
	if !ok {
		return
	}
	d.File = file
	if !describe(w, r, item, info, need) {
		return
	}
	paced := &pacedWriter{
		ResponseWriter: w, control: http.NewResponseController(w), conn: connOf(r), ctx: ctx, cancel: cancel,
		delivery: d, stall: s.config.Load().StallTimeout, leaves: s.leaves(r), buffers: &s.buffers,
		begin: func(status int, asked rest) *accounting.Transfer {
			transfer := s.ledger.Begin(booking(r, client, item, need, status, asked))
			s.note(r, transfer, status, asked)
			return transfer
		},
	}
	http.ServeContent(paced, r, "", info.ModTime(), d.File)
	if paced.left.size > 0 {
		mine = !s.handOver(paced, r)
	}
}

// played is the item that a player is said to play: of a segment its stream.
func played(item *library.Item) *library.Item {
	return cmp.Or(item.Stream, item)
}

// open opens an item's file, and waits for it where its share is away: players
// don't ask again. It reports whether there is one, else it has answered.
func open(ctx context.Context, w http.ResponseWriter, r *http.Request, item *library.Item) (source.File, fs.FileInfo, bool) {
	file, err := item.Open(ctx)
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTimeout)) // the wait used up the one before
	if err != nil {
		fail(w, r, err)
		return nil, nil, false
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		fail(w, r, err)
		return nil, nil, false
	}
	return file, info, true
}

// Need returns the token bucket that an item is sent through.
func (s *Server) Need(item *library.Item) ratelimit.TSpec {
	item = played(item)
	config := s.control.Config()
	if info := item.Info(); info != nil {
		if need := info.Curve.Spec(config.Policy()); need.Rate > 0 {
			return need
		}
	}
	return config.Fallback()
}

// describe sets the headers that say what the item is, and takes out of the
// request what RFC 9110 section 14.2 wants ignored. It reports whether the
// item is to be sent.
func describe(w http.ResponseWriter, r *http.Request, item *library.Item, info fs.FileInfo, need ratelimit.TSpec) bool {
	h := w.Header()
	h.Set("Content-Type", item.MIME)
	h.Set("ETag", etag(info.Size(), info.ModTime()))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", disposition(r, item.Name))
	if info := item.Info(); info != nil {
		h.Set("CMSD-Static", cmsdStatic(info))
	}
	if need.Rate > 0 {
		h.Set("CMSD-Dynamic", fmt.Sprintf(`"MuStServ";etp=%d`, need.Rate/ratelimit.KbitPerSecond))
	}
	ranges := r.Header.Get("Range")
	if r.Method == http.MethodHead || !strings.HasPrefix(ranges, "bytes=") {
		r.Header.Del("Range")
	} else if strings.Count(ranges, ",") >= rangesMax {
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", info.Size()))
		http.Error(w, fmt.Sprintf("At most %d ranges can be asked for at once.", rangesMax), http.StatusRequestedRangeNotSatisfiable)
		return false
	}
	return true
}

// etag is strong, and the same on every instance that sees the same file,
// whichever copy of it: the library tells times in steps that all agree on.
func etag(size int64, modified time.Time) string {
	return fmt.Sprintf(`"%x-%x"`, size, modified.Unix())
}

// disposition names the file for those who save it, as RFC 6266 has it.
func disposition(r *http.Request, name string) string {
	if !r.URL.Query().Has("download") {
		return "inline"
	}
	return "attachment; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(strings.ToValidUTF8(name, "_")), "+", "%20")
}

// cmsdStatic says in the words of CTA-5006 what is fixed about an item:
// bit rate in kbit/s, duration in ms, object type.
func cmsdStatic(info *probe.Info) string {
	var audio, video bool
	for _, t := range info.Tracks {
		audio = audio || t.Kind == "audio"
		video = video || t.Kind == "video"
	}
	object := "o"
	switch {
	case audio && video:
		object = "av"
	case video:
		object = "v"
	case audio:
		object = "a"
	}
	return fmt.Sprintf("br=%d,d=%d,ot=%s", info.Curve.Average/ratelimit.KbitPerSecond, int64(info.Duration*1000), object)
}

// booking is what the ledger keeps of a request.
func booking(r *http.Request, client string, item *library.Item, need ratelimit.TSpec, status int, asked rest) accounting.Request {
	b := accounting.Request{
		Client: client, User: auth.Who(r.Context()).User, Path: played(item).Path, UserAgent: r.UserAgent(), Referer: r.Referer(),
		Line:   r.Method + " " + r.URL.RequestURI() + " " + r.Proto,
		Status: status, Offset: asked.offset, Size: asked.size, Needed: int64(need.Rate),
	}
	if info := item.Info(); info != nil && item.Kind != library.Segment {
		b.Average = int64(info.Curve.Average)
	}
	return b
}

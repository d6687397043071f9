package stream

import (
	"context"
	"crypto/rand"
	random "math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"mustserv/library"
	"mustserv/ratelimit"
	"mustserv/stream/accounting"
	"mustserv/stream/routing"
)

// A node in a virtual machine can let the node on its host send the bytes, out
// of the host's page cache: it lends it the viewer. Catalogue, login, admission
// and accounting stay here; the other node tells what it sends.

const (
	lentKey    = "lent"           // in an address: whose viewer it is, "NODE.ID"
	lentSoon   = 15 * time.Second // a player that does not follow by then is gone
	lentSilent = 10 * time.Second // as long as nothing is heard, the data node is thought to send nothing
	lentMost   = 4096             // viewers that are known
)

// loans are the viewers that the data node sends to. The zero value is ready.
type loans struct {
	mu       sync.Mutex
	byID     map[string]*loan
	byViewer map[string]*loan
}

// loan is one viewer. Players that know only the data node's address by now
// come there with the same id again.
type loan struct {
	id, viewer string
	request    ratelimit.Request
	booking    accounting.Request
	grant      *ratelimit.Grant // one for all ranges; nil while there is none
	ranges     map[int64]*lentRange
	timer      *time.Timer // ends what is not heard of
	heard      time.Time
}

// lentRange is a range that is on its way.
type lentRange struct {
	transfer *accounting.Transfer
	sent     int64
}

// lend answers with the address of the data node, if that is to send the item,
// and keeps the grant then. It reports whether it has answered.
func (s *Server) lend(w http.ResponseWriter, r *http.Request, client string, item *library.Item, grant *ratelimit.Grant) bool {
	if s.router.Alone() {
		return false
	}
	request := s.request(r, client, item)
	asked := s.asked(r, item, request)
	base, ok := s.router.Lend(r.Context(), asked)
	if !ok || request.Unpaced() {
		return false
	}
	id := s.loans.add(&loan{viewer: asked.Viewer, request: request, booking: booking(r, client, item, request.Need, 0, rest{}), grant: grant})
	s.redirect(w, r, item, base, asked, s.node+"."+id)
	return true
}

// add notes a viewer with a grant, and returns its id; one that is known keeps
// the grant that it has. Where there are too many it forgets the one that was
// not heard of for longest.
func (l *loans) add(one *loan) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.byViewer[one.viewer]; known != nil {
		known.renew(one)
		return known.id
	}
	if l.byID == nil {
		l.byID, l.byViewer = make(map[string]*loan), make(map[string]*loan)
	}
	if len(l.byID) >= lentMost {
		l.forgetOne()
	}
	one.id, one.heard, one.ranges = rand.Text(), time.Now(), make(map[int64]*lentRange)
	one.timer = time.AfterFunc(lentSoon, func() { l.lapse(one) })
	l.byID[one.id], l.byViewer[one.viewer] = one, one
	return one.id
}

// renew takes over what a viewer asks for now; it is called with the lock.
func (one *loan) renew(now *loan) {
	one.request, one.booking, one.heard = now.request, now.booking, time.Now()
	if one.grant != nil {
		now.grant.Release()
	} else {
		one.grant = now.grant
	}
	if len(one.ranges) == 0 {
		one.timer.Reset(lentSoon)
	}
}

// oldest returns the loan that was not heard of for longest, of those that will
// do; nil if none will.
func (l *loans) oldest(will func(*loan) bool) (oldest *loan) {
	for _, one := range l.byID {
		if will(one) && (oldest == nil || one.heard.Before(oldest.heard)) {
			oldest = one
		}
	}
	return oldest
}

// makeRoom ends a client's oldest loan that the data node does not tell of: who
// fetches many small files has come to their ends before that is told. It
// reports whether there is one.
func (l *loans) makeRoom(client string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.oldest(func(one *loan) bool {
		return one.request.Client == client && one.grant != nil && len(one.ranges) == 0
	})
	if one != nil {
		one.end()
	}
	return one != nil
}

func (l *loans) forgetOne() {
	oldest := l.oldest(func(*loan) bool { return true })
	oldest.timer.Stop()
	oldest.end()
	delete(l.byID, oldest.id)
	delete(l.byViewer, oldest.viewer)
}

// lapse ends what a data node does not tell of any more.
func (l *loans) lapse(one *loan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one.end()
}

// end gives back all that a viewer holds; it is called with the lock.
func (one *loan) end() {
	for n, r := range one.ranges {
		r.transfer.End()
		delete(one.ranges, n)
	}
	one.grant.Release()
	one.grant = nil
}

// serveLent hears what another node sends in the name of this one.
func (s *Server) serveLent(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || !s.router.Trusts(r) {
		http.Error(w, "Only another node may tell this.", http.StatusForbidden)
		return
	}
	list, err := routing.ReadLent(r)
	if err != nil {
		http.Error(w, "This can't be read.", http.StatusBadRequest)
		return
	}
	for _, told := range list {
		s.hear(told)
	}
}

// hear books what a range has come to.
func (s *Server) hear(told routing.Lent) {
	s.loans.mu.Lock()
	defer s.loans.mu.Unlock()
	one := s.loans.byID[told.ID]
	if one == nil || told.Sent < 0 || told.Size < 0 {
		return // of before a restart, or made up
	}
	now := time.Now()
	one.heard = now
	one.timer.Reset(lentSilent)
	part := one.ranges[told.Range]
	if part == nil {
		part = s.beginLent(one, told)
	}
	if more := told.Sent - part.sent; more > 0 {
		part.sent = told.Sent
		part.transfer.Add(more)
		one.grant.Keep(now)
	}
	if !told.Ended {
		return
	}
	part.transfer.End()
	delete(one.ranges, told.Range)
	if len(one.ranges) == 0 {
		one.end()
	}
}

// beginLent books a range. What can't be admitted any more goes on all the
// same: the bytes are on their way.
func (s *Server) beginLent(one *loan, told routing.Lent) *lentRange {
	if one.grant == nil {
		one.grant, _ = s.control.Try(one.request)
	}
	b := one.booking
	b.Status, b.Offset, b.Size = told.Status, told.Offset, told.Size
	part := &lentRange{transfer: s.ledger.Begin(b)}
	one.ranges[told.Range] = part
	return part
}

// teller tells other nodes what this one sends in their names. The zero value
// is ready.
type teller struct {
	mu   sync.Mutex
	open []*telling
	on   bool
}

// telling is one range.
type telling struct {
	node     string
	lent     routing.Lent
	transfer *accounting.Transfer
}

// tellEvery is how often it is told.
const tellEvery = time.Second

// cutLent returns for which other node a range is sent, and its viewer there.
func cutLent(r *http.Request) (node, id string, ok bool) {
	return strings.Cut(r.URL.Query().Get(lentKey), ".")
}

// note notes a range that has begun; one that is nobody else's is not told of.
func (s *Server) note(r *http.Request, transfer *accounting.Transfer, status int, asked rest) {
	node, id, ok := cutLent(r)
	if !ok || node == s.node {
		return
	}
	t := &s.teller
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = append(t.open, &telling{node, routing.Lent{ID: id, Range: random.Int64(), Status: status, Offset: asked.offset, Size: asked.size}, transfer})
	if !t.on {
		t.on = true
		go s.tellAll(context.WithoutCancel(r.Context()))
	}
}

// tellAll tells of all ranges until none is left.
func (s *Server) tellAll(ctx context.Context) {
	for news := s.teller.news(); news != nil; news = s.teller.news() {
		for node, list := range news {
			s.router.Tell(ctx, node, list) // the next time says more
		}
		time.Sleep(tellEvery)
	}
}

// news returns what is to be told, by node; nil ends the telling.
func (t *teller) news() map[string][]routing.Lent {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.on = len(t.open) > 0
	if !t.on {
		return nil
	}
	news := make(map[string][]routing.Lent)
	t.open = slices.DeleteFunc(t.open, func(one *telling) bool {
		one.lent.Sent, one.lent.Ended = one.transfer.Progress()
		news[one.node] = append(news[one.node], one.lent)
		return one.lent.Ended
	})
	return news
}

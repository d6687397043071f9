package dns

import (
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	plainSize = 512  // bytes that everybody takes by UDP (RFC 1035, 4.2.1)
	udpSize   = 1232 // more than this might travel in pieces (DNS Flag Day 2020)
	tcpSize   = 65535

	badVersion = dnsmessage.RCode(16) // of EDNS (RFC 6891, 9)

	typeIXFR = dnsmessage.Type(251)
)

// zone is the one name, and what is said of it besides addresses.
type zone struct {
	name    string // canonical
	ttl     uint32
	servers []dnsmessage.Name
	soa     dnsmessage.SOAResource
}

// newZone returns that of a valid config; nil if that names nothing.
func newZone(c Config) *zone {
	if c.Name == "" {
		return nil
	}
	z := &zone{name: canonical(c.Name), ttl: uint32(c.TTL / time.Second)}
	for _, name := range c.Servers {
		z.servers = append(z.servers, dnsmessage.MustNewName(canonical(name)))
	}
	if len(z.servers) == 0 {
		z.servers = []dnsmessage.Name{dnsmessage.MustNewName(z.name)}
	}
	// Nobody copies the zone: its number and the times between copies mean
	// nothing. The last is how long "there is no such thing" may be remembered.
	z.soa = dnsmessage.SOAResource{
		NS: z.servers[0], MBox: z.servers[0], Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, MinTTL: z.ttl,
	}
	return z
}

// query is what of a message matters for the answer.
type query struct {
	dnsmessage.Header
	questions []dnsmessage.Question // one; none if it could not be read
	edns      *dnsmessage.ResourceHeader
	rcode     dnsmessage.RCode // why there is no answer to the question
}

// readQuery reads a message; false says that it deserves no answer. What
// follows what is wrong is not read.
func readQuery(message []byte) (query, bool) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil || header.Response { // an answer to an answer could go on for ever
		return query{}, false
	}
	q := query{Header: header, rcode: dnsmessage.RCodeFormatError}
	if header.OpCode != 0 {
		q.rcode = dnsmessage.RCodeNotImplemented
		return q, true
	}
	question, err := p.Question()
	if err != nil || p.SkipQuestion() != dnsmessage.ErrSectionDone || p.SkipAllAnswers() != nil || p.SkipAllAuthorities() != nil {
		return q, true
	}
	if q.readEDNS(&p) {
		q.questions, q.rcode = []dnsmessage.Question{question}, dnsmessage.RCodeSuccess
		if q.edns != nil && q.edns.TTL>>16&0xff != 0 {
			q.rcode = badVersion
		}
	}
	return q, true
}

// readEDNS finds out what the client says of itself; false says that the
// message is broken (RFC 6891, 6.1.1).
func (q *query) readEDNS(p *dnsmessage.Parser) bool {
	for {
		h, err := p.AdditionalHeader()
		switch {
		case err == dnsmessage.ErrSectionDone:
			return true
		case err != nil:
			return false
		}
		if h.Type == dnsmessage.TypeOPT {
			if q.edns != nil || h.Name.Length != 1 {
				return false
			}
			q.edns = &h
		}
		if p.SkipAdditional() != nil {
			return false
		}
	}
}

// room returns how many bytes of an answer the client takes by UDP.
func (q *query) room() int {
	if q.edns == nil {
		return plainSize
	}
	return min(max(int(q.edns.Class), plainSize), udpSize)
}

// reply answers a message; nil is no answer. An answer that does not fit into
// what the client takes is said to be cut short, so that it asks by TCP.
func (s *Server) reply(message []byte, tcp bool) []byte {
	q, ok := readQuery(message)
	if !ok {
		return nil
	}
	room := tcpSize
	if !tcp {
		room = q.room()
	}
	m := q.answer()
	if q.rcode == dnsmessage.RCodeSuccess {
		s.fill(&m, q.questions[0])
	}
	packed, err := m.Pack()
	if err != nil {
		return nil // nothing of it can be too long
	}
	if len(packed) > room {
		m.Truncated, m.Answers, m.Authorities = true, nil, nil
		packed, _ = m.Pack()
	}
	return packed
}

// answer returns the frame of one.
func (q *query) answer() dnsmessage.Message {
	m := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: q.ID, Response: true, OpCode: q.OpCode, RecursionDesired: q.RecursionDesired, CheckingDisabled: q.CheckingDisabled,
			RCode: q.rcode & 0xf,
		},
		Questions: q.questions,
	}
	if q.edns != nil {
		var h dnsmessage.ResourceHeader
		h.SetEDNS0(udpSize, q.rcode, q.edns.DNSSECAllowed()) // never fails
		m.Additionals = []dnsmessage.Resource{{Header: h, Body: &dnsmessage.OPTResource{}}}
	}
	return m
}

// fill puts what is known of a question into an answer.
func (s *Server) fill(m *dnsmessage.Message, q dnsmessage.Question) {
	z := s.zone.Load()
	asked := strings.ToLower(q.Name.String())
	switch {
	case z == nil, q.Class != dnsmessage.ClassINET, q.Type == dnsmessage.TypeAXFR, q.Type == typeIXFR,
		asked != z.name && !strings.HasSuffix(asked, "."+z.name):
		m.RCode = dnsmessage.RCodeRefused
		return
	case asked != z.name:
		m.RCode = dnsmessage.RCodeNameError
	default:
		nodes := s.current()
		if len(nodes) == 0 {
			m.RCode = dnsmessage.RCodeServerFailure // who asked may ask another
			return
		}
		m.Answers = s.records(z, q, fit(nodes))
	}
	m.Authoritative = true
	if len(m.Answers) == 0 { // says for how long that may be remembered (RFC 2308, 3)
		apex := dnsmessage.MustNewName(z.name)
		m.Authorities = []dnsmessage.Resource{z.record(apex, &z.soa)}
	}
}

// records returns those that a question about the name asks for. To who wants
// any of them, one kind is enough (RFC 8482, 4.1).
func (s *Server) records(z *zone, q dnsmessage.Question, nodes []Node) []dnsmessage.Resource {
	switch q.Type {
	case dnsmessage.TypeA:
		return z.addresses(q.Name, nodes, s.turnA.Add(1), netip.Addr.Is4)
	case dnsmessage.TypeAAAA:
		return z.addresses(q.Name, nodes, s.turnAAAA.Add(1), netip.Addr.Is6)
	case dnsmessage.TypeNS:
		var all []dnsmessage.Resource
		for _, name := range z.servers {
			all = append(all, z.record(q.Name, &dnsmessage.NSResource{NS: name}))
		}
		return all
	case dnsmessage.TypeSOA, dnsmessage.TypeALL:
		return []dnsmessage.Resource{z.record(q.Name, &z.soa)}
	}
	return nil
}

// addresses returns those of one kind, of which it is a turn.
func (z *zone) addresses(owner dnsmessage.Name, nodes []Node, turn uint64, kind func(netip.Addr) bool) []dnsmessage.Resource {
	var all []dnsmessage.Resource
	for _, a := range addresses(nodes, turn, kind) {
		if a.Is4() {
			all = append(all, z.record(owner, &dnsmessage.AResource{A: a.As4()}))
		} else {
			all = append(all, z.record(owner, &dnsmessage.AAAAResource{AAAA: a.As16()}))
		}
	}
	return all
}

// record returns one of a name. The name is spelled as it was asked for:
// clients draw upper and lower case at random to know their answers.
func (z *zone) record(owner dnsmessage.Name, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: z.ttl}, Body: body}
}

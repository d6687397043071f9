package dns

import (
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

func ip(texts ...string) []netip.Addr {
	var all []netip.Addr
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

// three are nodes that are well: two with both kinds of addresses.
func three() []Node {
	return []Node{
		{Addresses: ip("10.0.0.1", "fd00::1"), Alive: true},
		{Addresses: ip("10.0.0.2", "fd00::2"), Alive: true},
		{Addresses: ip("10.0.0.3"), Alive: true},
	}
}

func testConfig() Config {
	c := DefaultConfig()
	c.Name, c.Servers = "Media.Home.Arpa", []string{"attic.home.arpa", "cellar.home.arpa."}
	return c
}

func serverOf(c Config, nodes ...Node) *Server {
	s := New(func() []Node { return nodes }, slog.New(slog.DiscardHandler))
	s.SetConfig(c)
	s.turnA.Store(0)
	s.turnAAAA.Store(0)
	return s
}

// question is a message that asks for one thing.
func question(name string, kind dnsmessage.Type) dnsmessage.Message {
	return dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 4711, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	}
}

// withEDNS says that the client takes size bytes, and knows a version.
func withEDNS(m dnsmessage.Message, size int, version uint32) dnsmessage.Message {
	var h dnsmessage.ResourceHeader
	h.SetEDNS0(size, dnsmessage.RCodeSuccess, true)
	h.TTL |= version << 16
	m.Additionals = append(m.Additionals, dnsmessage.Resource{Header: h, Body: &dnsmessage.OPTResource{}})
	return m
}

func pack(t testing.TB, m dnsmessage.Message) []byte {
	t.Helper()
	packed, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return packed
}

// ask returns the answer to a message, which must have the form of one.
func ask(t testing.TB, s *Server, m dnsmessage.Message, tcp bool) dnsmessage.Message {
	t.Helper()
	var a dnsmessage.Message
	if err := a.Unpack(s.reply(pack(t, m), tcp)); err != nil {
		t.Fatalf("answer: %v", err)
	}
	if !a.Response || a.ID != m.ID || a.RecursionDesired != m.RecursionDesired || a.RecursionAvailable {
		t.Fatalf("answer's head is %+v", a.Header)
	}
	return a
}

// texts says what records hold, as people write them.
func texts(records []dnsmessage.Resource) []string {
	var all []string
	for _, r := range records {
		text := fmt.Sprintf("%s %d ", r.Header.Name, r.Header.TTL)
		switch b := r.Body.(type) {
		case *dnsmessage.AResource:
			text += "A " + netip.AddrFrom4(b.A).String()
		case *dnsmessage.AAAAResource:
			text += "AAAA " + netip.AddrFrom16(b.AAAA).String()
		case *dnsmessage.NSResource:
			text += "NS " + b.NS.String()
		case *dnsmessage.SOAResource:
			text += fmt.Sprint("SOA ", b.NS, " ", b.MinTTL)
		default:
			text += r.Header.Type.String()
		}
		all = append(all, text)
	}
	return all
}

func TestAnswers(t *testing.T) {
	const name = "media.home.arpa."
	soa := []string{name + " 5 SOA attic.home.arpa. 5"}
	dead := three()
	dead[1].Alive = false
	allDead := []Node{{Addresses: ip("10.0.0.1")}, {Addresses: ip("10.0.0.2")}}
	draining := []Node{{Addresses: ip("10.0.0.1"), Alive: true, Draining: true}, {Addresses: ip("10.0.0.2"), Alive: true}, {Alive: true}}
	allDraining := []Node{{Addresses: ip("10.0.0.1"), Alive: true, Draining: true}, {Addresses: ip("10.0.0.2")}}
	odd := []Node{{Addresses: ip("::ffff:10.0.0.9", "fe80::1%eth0", "0.0.0.0"), Alive: true}}
	for _, row := range []struct {
		name    string
		ask     string
		kind    dnsmessage.Type
		nodes   []Node
		rcode   dnsmessage.RCode
		answers []string
		soa     []string
	}{
		{"A", name, dnsmessage.TypeA, three(), 0, []string{name + " 5 A 10.0.0.2", name + " 5 A 10.0.0.3", name + " 5 A 10.0.0.1"}, nil},
		{"AAAA", name, dnsmessage.TypeAAAA, three(), 0, []string{name + " 5 AAAA fd00::2", name + " 5 AAAA fd00::1"}, nil},
		{"upper and lower case is kept", "mEdIa.hOmE.aRpA.", dnsmessage.TypeAAAA, three()[:1], 0, []string{"mEdIa.hOmE.aRpA. 5 AAAA fd00::1"}, nil},
		{"a dead node is left out", name, dnsmessage.TypeA, dead, 0, []string{name + " 5 A 10.0.0.3", name + " 5 A 10.0.0.1"}, nil},
		{"all seem dead", name, dnsmessage.TypeA, allDead, 0, []string{name + " 5 A 10.0.0.2", name + " 5 A 10.0.0.1"}, nil},
		{"a draining node is left out", name, dnsmessage.TypeA, draining, 0, []string{name + " 5 A 10.0.0.2"}, nil},
		{"those that live drain", name, dnsmessage.TypeA, allDraining, 0, []string{name + " 5 A 10.0.0.1"}, nil},
		{"addresses for nobody", name, dnsmessage.TypeA, odd, 0, []string{name + " 5 A 10.0.0.9"}, nil},
		{"none of that kind", name, dnsmessage.TypeAAAA, odd, 0, nil, soa},
		{"no nodes are known yet", name, dnsmessage.TypeA, nil, dnsmessage.RCodeServerFailure, nil, nil},
		{"SOA", name, dnsmessage.TypeSOA, three(), 0, soa, nil},
		{"NS", name, dnsmessage.TypeNS, three(), 0, []string{name + " 5 NS attic.home.arpa.", name + " 5 NS cellar.home.arpa."}, nil},
		{"ANY gets one kind only", name, dnsmessage.TypeALL, three(), 0, soa, nil},
		{"no such records", name, dnsmessage.TypeMX, three(), 0, nil, soa},
		{"nor of a type of the future", name, 65000, three(), 0, nil, soa},
		{"a name below", "a.media.home.arpa.", dnsmessage.TypeA, three(), dnsmessage.RCodeNameError, nil, soa},
		{"another name", "films.home.arpa.", dnsmessage.TypeA, three(), dnsmessage.RCodeRefused, nil, nil},
		{"another name with the same end", "xmedia.home.arpa.", dnsmessage.TypeA, three(), dnsmessage.RCodeRefused, nil, nil},
		{"the name above", "home.arpa.", dnsmessage.TypeNS, three(), dnsmessage.RCodeRefused, nil, nil},
		{"the root", ".", dnsmessage.TypeNS, three(), dnsmessage.RCodeRefused, nil, nil},
		{"a copy of the zone", name, dnsmessage.TypeAXFR, three(), dnsmessage.RCodeRefused, nil, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := ask(t, serverOf(testConfig(), row.nodes...), question(row.ask, row.kind), false)
			if a.RCode != row.rcode || a.Authoritative != (row.rcode == 0 || row.rcode == dnsmessage.RCodeNameError) {
				t.Errorf("head %+v, want %v", a.Header, row.rcode)
			}
			if got := texts(a.Answers); !slices.Equal(got, row.answers) {
				t.Errorf("answers %q, want %q", got, row.answers)
			}
			if got := texts(a.Authorities); !slices.Equal(got, row.soa) {
				t.Errorf("authority %q, want %q", got, row.soa)
			}
			if len(a.Additionals) > 0 {
				t.Errorf("additional %q to a client without EDNS", texts(a.Additionals))
			}
		})
	}
}

func TestWithoutANameAllIsRefused(t *testing.T) {
	for name, s := range map[string]*Server{
		"not configured": New(three, slog.New(slog.DiscardHandler)),
		"no longer":      serverOf(DefaultConfig(), three()...),
	} {
		t.Run(name, func(t *testing.T) {
			if a := ask(t, s, question("media.home.arpa.", dnsmessage.TypeA), false); a.RCode != dnsmessage.RCodeRefused {
				t.Errorf("answered with %v", a.RCode)
			}
		})
	}
}

func TestNameServesItself(t *testing.T) {
	c := testConfig()
	c.Servers, c.TTL = nil, time.Minute
	a := ask(t, serverOf(c, three()...), question("media.home.arpa.", dnsmessage.TypeNS), false)
	if got, want := texts(a.Answers), []string{"media.home.arpa. 60 NS media.home.arpa."}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEDNS(t *testing.T) {
	s := serverOf(testConfig(), three()...)
	good := question("media.home.arpa.", dnsmessage.TypeA)
	for _, row := range []struct {
		name   string
		ask    dnsmessage.Message
		rcode  dnsmessage.RCode
		dnssec bool // is passed back (RFC 3225, 3)
	}{
		{"version 0", withEDNS(good, 4096, 0), dnsmessage.RCodeSuccess, true},
		{"a version of the future", withEDNS(good, 4096, 1), badVersion, false},
		{"twice", withEDNS(withEDNS(good, 4096, 0), 512, 0), dnsmessage.RCodeFormatError, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := ask(t, s, row.ask, false)
			if len(a.Additionals) != 1 {
				t.Fatalf("additional %+v", a.Additionals)
			}
			h := a.Additionals[0].Header
			if rcode := h.ExtendedRCode(a.RCode); rcode != row.rcode || h.Type != dnsmessage.TypeOPT || h.Class != udpSize || h.DNSSECAllowed() != row.dnssec || h.TTL>>16&0xff != 0 {
				t.Errorf("%v with %+v, want %v", rcode, h, row.rcode)
			}
			if (len(a.Answers) == 3) != (row.rcode == 0) {
				t.Errorf("%d answers", len(a.Answers))
			}
		})
	}
}

// long is a name of the greatest length.
var long = strings.Join([]string{strings.Repeat("a", 63), strings.Repeat("b", 63), strings.Repeat("c", 63), strings.Repeat("d", 61)}, ".")

func TestSizes(t *testing.T) {
	var nodes []Node
	for i := range 1000 {
		nodes = append(nodes, Node{Addresses: []netip.Addr{netip.AddrFrom16([16]byte{0xfd, 14: byte(i >> 8), 15: byte(i)})}, Alive: true})
	}
	c := testConfig()
	c.Name, c.Servers = long, nil
	for i := range serversMost {
		c.Servers = append(c.Servers, strings.Replace(long, "a", string(rune('k'+i)), 63)) // nothing to leave out
		if strings.HasSuffix(c.Servers[i], c.Name) {
			t.Fatal("no name beside the zone")
		}
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	s := serverOf(c, nodes...)
	for _, row := range []struct {
		name       string
		kind       dnsmessage.Type
		edns       int // 0 for none
		tcp        bool
		room       int
		answers    int
		truncated  bool
		atLeastOPT int
	}{
		{"addresses always fit", dnsmessage.TypeAAAA, 0, false, plainSize, answersMost, false, 0},
		{"also with EDNS", dnsmessage.TypeAAAA, 512, false, plainSize, answersMost, false, 1},
		{"too little room is not believed", dnsmessage.TypeAAAA, 12, false, plainSize, answersMost, false, 1},
		{"servers do not fit", dnsmessage.TypeNS, 0, false, plainSize, 0, true, 0},
		{"nor into 512 bytes of EDNS", dnsmessage.TypeNS, 512, false, plainSize, 0, true, 1},
		{"but into more", dnsmessage.TypeNS, 65535, false, udpSize, serversMost, false, 1},
		{"and by TCP", dnsmessage.TypeNS, 512, true, tcpSize, serversMost, false, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			q := question(canonical(long), row.kind)
			if row.edns > 0 {
				q = withEDNS(q, row.edns, 0)
			}
			if n := len(s.reply(pack(t, q), row.tcp)); n > row.room {
				t.Errorf("%d bytes, where %d are taken", n, row.room)
			}
			a := ask(t, s, q, row.tcp)
			if len(a.Answers) != row.answers || a.Truncated != row.truncated || len(a.Additionals) != row.atLeastOPT || len(a.Questions) != 1 {
				t.Errorf("%d answers, truncated %v, %d additional", len(a.Answers), a.Truncated, len(a.Additionals))
			}
		})
	}
}

func TestBrokenMessages(t *testing.T) {
	s := serverOf(testConfig(), three()...)
	good := pack(t, withEDNS(question("media.home.arpa.", dnsmessage.TypeA), 1232, 0))
	change := func(f func([]byte)) []byte { b := slices.Clone(good); f(b); return b }
	const silence = dnsmessage.RCode(0xffff)
	for _, row := range []struct {
		name    string
		message []byte
		rcode   dnsmessage.RCode
	}{
		{"nothing", nil, silence},
		{"half a head", good[:6], silence},
		{"an answer", change(func(b []byte) { b[2] |= 0x80 }), silence},
		{"no question", change(func(b []byte) { b[5] = 0 }), dnsmessage.RCodeFormatError},
		{"the question is missing", good[:12], dnsmessage.RCodeFormatError},
		{"two questions are promised", change(func(b []byte) { b[5] = 2 }), dnsmessage.RCodeFormatError},
		{"65535 questions are promised", change(func(b []byte) { b[4], b[5] = 255, 255 }), dnsmessage.RCodeFormatError},
		{"two questions", func() []byte {
			q := question("media.home.arpa.", dnsmessage.TypeA)
			q.Questions = append(q.Questions, q.Questions[0])
			return pack(t, q)
		}(), dnsmessage.RCodeFormatError},
		{"a name that points at itself", change(func(b []byte) { b[12], b[13] = 0xc0, 12 }), dnsmessage.RCodeFormatError},
		{"a dot within a label", change(func(b []byte) { b[14] = '.' }), dnsmessage.RCodeFormatError},
		{"a record is promised", change(func(b []byte) { b[7] = 1 }), dnsmessage.RCodeFormatError},
		{"cut off in EDNS", good[:len(good)-3], dnsmessage.RCodeFormatError},
		{"an update", change(func(b []byte) { b[2] |= 5 << 3 }), dnsmessage.RCodeNotImplemented},
		{"chaos", change(func(b []byte) { b[len(b)-12] = 3 }), dnsmessage.RCodeRefused},
		{"more behind its end", append(slices.Clone(good), "garbage"...), dnsmessage.RCodeSuccess},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := s.reply(row.message, false)
			if row.rcode == silence {
				if got != nil {
					t.Errorf("answered with %x", got)
				}
				return
			}
			if len(got) < 12 || !reflect.DeepEqual(got[:2], good[:2]) || dnsmessage.RCode(got[3]&0xf) != row.rcode {
				t.Errorf("answered with %x, want %v", got, row.rcode)
			}
		})
	}
}

func FuzzReply(f *testing.F) {
	f.Add(pack(f, question("media.home.arpa.", dnsmessage.TypeA)))
	f.Add(pack(f, withEDNS(question("MEDIA.home.arpa.", dnsmessage.TypeNS), 512, 0)))
	f.Add(pack(f, withEDNS(question("a.media.home.arpa.", dnsmessage.TypeALL), 65535, 1)))
	s := serverOf(testConfig(), three()...)
	f.Fuzz(func(t *testing.T, message []byte) {
		for _, tcp := range []bool{false, true} {
			got := s.reply(message, tcp)
			if got == nil {
				continue
			}
			if len(got) > udpSize {
				t.Fatalf("%d bytes for %d", len(got), len(message))
			}
			var a dnsmessage.Message
			if err := a.Unpack(got); err != nil {
				t.Fatalf("answer: %v", err)
			}
			if a.ID != binary.BigEndian.Uint16(message) || !a.Response {
				t.Fatalf("head %+v", a.Header)
			}
			if a.RCode == 0 && !a.Truncated && len(a.Questions) == 1 && len(a.Answers)+len(a.Authorities)+len(a.Additionals) == 0 {
				t.Fatal("an answer without anything")
			}
		}
	})
}

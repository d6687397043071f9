package auth

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Wrong passwords of one address: so many at once, then one in a while.
const (
	attemptsBurst = 10
	attemptsEvery = 30 * time.Second
	attemptsKnown = 4096 // addresses that are remembered
)

// attempts counts wrong passwords by address: each costs a token of its
// bucket. The zero value is ready.
type attempts struct {
	mu    sync.Mutex
	known map[string]*rate.Limiter
}

// wait returns for how long an address may not try; 0 if it may.
func (a *attempts) wait(addr string, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	left, ok := a.known[network(addr)]
	if !ok {
		return 0
	}
	return max(0, time.Duration((1-left.TokensAt(now))*float64(attemptsEvery)))
}

// wrong notes a wrong password.
func (a *attempts) wrong(addr string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) >= attemptsKnown {
		a.forget(now)
	}
	left, ok := a.known[network(addr)]
	if !ok {
		left = rate.NewLimiter(rate.Every(attemptsEvery), attemptsBurst)
		a.known[network(addr)] = left
	}
	left.ReserveN(now, 1)
}

// forget drops the addresses that have worked everything off, and all of them
// where that is none: an attacker with so many is not to have our memory too.
func (a *attempts) forget(now time.Time) {
	kept := make(map[string]*rate.Limiter)
	for addr, left := range a.known {
		if left.TokensAt(now) < attemptsBurst {
			kept[addr] = left
		}
	}
	if len(kept) >= attemptsKnown {
		clear(kept)
	}
	a.known = kept
}

// network returns what counts as one client: an IPv4 address, or the 64 bits
// of an IPv6 address that one home or machine gets.
func network(addr string) string {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return addr
	}
	ip = ip.Unmap()
	if ip.Is4() {
		return ip.String()
	}
	prefix, _ := ip.WithZone("").Prefix(64) // fits an IPv6 address
	return prefix.String()
}

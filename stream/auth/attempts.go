package auth

import (
	"net/netip"
	"sync"
	"time"
)

// Wrong passwords of one address: so many at once, then one in a while.
const (
	attemptsBurst = 10
	attemptsEvery = 30 * time.Second
	attemptsKnown = 4096 // addresses that are remembered
)

// attempts counts wrong passwords by address. The zero value is ready.
type attempts struct {
	mu    sync.Mutex
	until map[string]time.Time // when the address has worked off what it did wrong
}

// wait returns for how long an address may not try; 0 if it may.
func (a *attempts) wait(addr string, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return max(0, a.until[network(addr)].Sub(now.Add((attemptsBurst-1)*attemptsEvery)))
}

// wrong notes a wrong password.
func (a *attempts) wrong(addr string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.until == nil || len(a.until) >= attemptsKnown {
		a.forget(now)
	}
	from := a.until[network(addr)]
	if from.Before(now) {
		from = now
	}
	a.until[network(addr)] = from.Add(attemptsEvery)
}

// forget drops the addresses that have worked everything off, and all of them
// where that is none: an attacker with so many is not to have our memory too.
func (a *attempts) forget(now time.Time) {
	kept := make(map[string]time.Time)
	for addr, until := range a.until {
		if until.After(now) {
			kept[addr] = until
		}
	}
	if len(kept) >= attemptsKnown {
		clear(kept)
	}
	a.until = kept
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

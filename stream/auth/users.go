package auth

import "sync"

const rememberMax = 1024 // checked passwords that are remembered

// users is an immutable set of users, and which passwords were found right.
type users struct {
	config Config
	key    key
	byName map[string]user
	slow   int // iterations of the slowest hash

	mu    sync.Mutex
	right map[string]Identity // by fingerprint of name and password
}

type user struct {
	Identity
	hash  hash
	stamp string // changes with the password
}

func newUsers(own key, c Config) *users {
	u := &users{config: c, key: own, byName: make(map[string]user), right: make(map[string]Identity)}
	if c.Key != "" {
		u.key = key(c.Key)
	}
	for _, one := range c.User {
		h, err := parseHash(one.Password)
		if err != nil {
			continue // Validate has refused it
		}
		u.slow = max(u.slow, h.iterations)
		u.byName[one.Name] = user{Identity{one.Name, one.Role}, h, one.Password}
	}
	return u
}

// check looks a password up the slow way, which takes as long for a user that
// there is not.
func (u *users) check(name, password string) (Identity, bool) {
	one, ok := u.byName[name]
	if !ok {
		one.hash = hash{max(1, u.slow), make([]byte, saltSize), make([]byte, hashSize)}
	}
	return one.Identity, one.hash.is(password) && ok
}

// known returns whose a fingerprint is, if it was found right before: players
// send a password with every request.
func (u *users) known(fingerprint string) (Identity, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	who, ok := u.right[fingerprint]
	return who, ok
}

func (u *users) remember(fingerprint string, who Identity) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.right) >= rememberMax {
		clear(u.right)
	}
	u.right[fingerprint] = who
}

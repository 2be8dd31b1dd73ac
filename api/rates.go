package api

import (
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"aval/domain"
)

// rates bounds what each party, and each address that is not known for one, asks in a minute.
// A bucket holds a minute's worth and fills evenly. Safe for concurrent use.
type rates struct {
	// limit bounds the buckets of one generation: when it is full, those that were not used
	// during the one before are forgotten, and so full again.
	limit        int
	mu           sync.Mutex
	now, earlier map[string]*rate.Limiter
}

func newRates(limit int) *rates { return &rates{limit: limit, now: map[string]*rate.Limiter{}} }

// bucket gives the bucket of a name at its present size.
func (r *rates) bucket(name string, perMinute int) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.now[name]
	if b == nil {
		if len(r.now) >= r.limit {
			r.earlier, r.now = r.now, map[string]*rate.Limiter{}
		}
		b = r.earlier[name]
	}
	if b == nil || b.Burst() != perMinute {
		b = rate.NewLimiter(rate.Limit(perMinute)/60, perMinute)
	}
	r.now[name] = b
	return b
}

// take spends one of a name's tokens, or says how long to wait for it. Zero perMinute is no
// limit. undo gives the token back.
func (r *rates) take(name string, perMinute int, at time.Time) (undo func(), err error) {
	if perMinute <= 0 {
		return func() {}, nil
	}
	reserved := r.bucket(name, perMinute).ReserveN(at, 1)
	if wait := reserved.DelayFrom(at); wait > 0 {
		reserved.CancelAt(at)
		return nil, slowDown(wait)
	}
	return func() { reserved.CancelAt(at) }, nil
}

// spent says, without spending anything, whether a name has no token left.
func (r *rates) spent(name string, perMinute int, at time.Time) error {
	undo, err := r.take(name, perMinute, at)
	if err == nil {
		undo()
	}
	return err
}

// slowDown is the answer to who asks too often.
func slowDown(wait time.Duration) error {
	p := newProblem(rateLimited, "")
	p.wait = wait
	return p
}

// stranger is the name of an address: of an IPv6 one its /64, since one sender has all of it.
func stranger(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "address "
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return "address "
	}
	if address = address.Unmap(); address.Is6() {
		if prefix, err := address.WithZone("").Prefix(64); err == nil {
			address = prefix.Addr()
		}
	}
	return "address " + address.String()
}

// The names of a party's buckets.
func readsOf(p string) string    { return "reads " + p }
func commandsOf(p string) string { return "commands " + p }

// unknown spends one of what strangers may ask from the request's address; instead is the
// answer while there is something to spend.
func (s *Server) unknown(r *http.Request, instead error) error {
	if _, err := s.rates.take(stranger(r), s.limits.strangers, s.now()); err != nil {
		return err
	}
	return instead
}

// forged is unknown for a signature that is not that of the key it names: it counts against
// that key at that address alone, so that nobody is shut out by forgeries sent from elsewhere.
func (s *Server) forged(r *http.Request, keyID string, instead error) error {
	if _, err := s.rates.take(stranger(r)+" "+keyID, s.limits.forgeries, s.now()); err != nil {
		return err
	}
	return instead
}

// mayForge is nil while signatures under a key are still checked for an address.
func (s *Server) mayForge(r *http.Request, keyID string) error {
	return s.rates.spent(stranger(r)+" "+keyID, s.limits.forgeries, s.now())
}

// isRefused says whether an error is a refusal with that code.
func isRefused(err error, code domain.Code) bool {
	p := problemOf(err)
	return err != nil && p.Code == code
}

package api

import (
	"sync"
	"sync/atomic"

	"aval/domain"
)

// load bounds what is being served at one time: beyond it the answer is "busy", at once.
type load struct {
	requests chan struct{}
	// bytes is what may still be promised to bodies.
	mu    sync.Mutex
	bytes int64
}

// enter takes a place among the requests in flight; the result gives it back.
func (l *load) enter() (release func(), err error) {
	select {
	case l.requests <- struct{}{}:
		return sync.OnceFunc(func() { <-l.requests }), nil
	default:
		return nil, newProblem(busy, "")
	}
}

// reserve takes room for a body; the result gives it back.
func (l *load) reserve(n int64) (release func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > l.bytes {
		return nil, newProblem(busy, "")
	}
	l.bytes -= n
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.bytes += n
	}), nil
}

// streams bounds the open event streams, all together and by party.
type streams struct {
	limit, partyLimit int
	mu                sync.Mutex
	byParty           map[domain.PartyID]int
	total             atomic.Int64
}

// open takes a place for a party's stream; the result gives it back.
func (s *streams) open(p domain.PartyID) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.byParty[p] >= s.partyLimit:
		return nil, newProblem(tooManyStreams, "")
	case s.total.Load() >= int64(s.limit):
		return nil, newProblem(busy, "")
	}
	if s.byParty == nil {
		s.byParty = map[domain.PartyID]int{}
	}
	s.byParty[p]++
	s.total.Add(1)
	return sync.OnceFunc(func() { s.close(p) }), nil
}

func (s *streams) close(p domain.PartyID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total.Add(-1)
	if s.byParty[p]--; s.byParty[p] == 0 {
		delete(s.byParty, p)
	}
}

package iot

import (
	"maps"
	"sync"

	"aval/domain"
)

// Counters say what became of the messages since start. Codes are a closed set, so the maps are bounded.
type Counters struct {
	// Accepted were committed with success, Refused committed with a refusal of the contract.
	Accepted uint64
	Refused  map[domain.Code]uint64
	// Duplicates were committed before.
	Duplicates uint64
	// Quarantined were refused before ordering; repeats of the same bytes count again.
	Quarantined map[domain.Code]uint64
	// Unacknowledged is how often a commit could not be had and no acknowledgement was sent.
	Unacknowledged uint64
	// GatewayMismatch counts committed messages that came through another gateway than the
	// device's registered one, DeviceMismatch those under another device's topic.
	GatewayMismatch, DeviceMismatch uint64
	// Retained messages on evidence topics were dropped; States are hints.
	Retained, States uint64
	// Gaps are sessions that the broker forgot.
	Gaps uint64
	// RepliesDropped did not fit a full queue; the gateway asks again by repeating its message.
	RepliesDropped uint64
}

// counters is safe for concurrent use.
type counters struct {
	mu sync.Mutex
	c  Counters
}

func (c *counters) change(f func(*Counters)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.c.Refused == nil {
		c.c.Refused, c.c.Quarantined = map[domain.Code]uint64{}, map[domain.Code]uint64{}
	}
	f(&c.c)
}

func (c *counters) snapshot() (out Counters) {
	c.change(func(c *Counters) {
		out = *c
		out.Refused, out.Quarantined = maps.Clone(c.Refused), maps.Clone(c.Quarantined)
	})
	return out
}

package demo

import (
	"sync"
	"time"
)

// clock is the demonstration's time: it stands still until it is set. Safe for concurrent use.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now gives the time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// set moves the clock forward; it never goes back.
func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.now) {
		c.now = t
	}
}

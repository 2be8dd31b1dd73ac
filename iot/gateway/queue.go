package gateway

import (
	"container/heap"
	"time"
)

// queue keeps each stored message in one of two heaps, both by due time: those waiting to be
// published, and those published that wait for a receipt. Due times make it fair: a repeat queues
// behind what was due before it, so messages that nobody ever answers starve no others.
type queue struct {
	waiting, awaiting byDue
	byNumber          map[uint64]*message
}

func (q *queue) add(m *message) {
	if q.byNumber == nil {
		q.byNumber = map[uint64]*message{}
	}
	q.byNumber[m.number] = m
	heap.Push(&q.waiting, m)
}

func (q *queue) remove(m *message) {
	heap.Remove(q.of(m), m.slot)
	delete(q.byNumber, m.number)
}

func (q *queue) of(m *message) *byDue {
	if m.awaiting {
		return &q.awaiting
	}
	return &q.waiting
}

// move puts a message, with its new due time, into a heap.
func (q *queue) move(m *message, due time.Time, awaiting bool) {
	heap.Remove(q.of(m), m.slot)
	m.awaiting, m.due = awaiting, due
	heap.Push(q.of(m), m)
}

// ready frees the message's place in the window.
func (q *queue) ready(m *message) { q.move(m, m.due, false) }

// expire frees the places of messages whose wait for a receipt is over.
func (q *queue) expire(now time.Time) {
	for len(q.awaiting) > 0 && !q.awaiting[0].due.After(now) {
		q.ready(q.awaiting[0])
	}
}

// reset makes everything that was published due again: the connection it went out on is gone.
func (q *queue) reset(now time.Time) {
	for len(q.awaiting) > 0 {
		q.move(q.awaiting[0], now, false)
	}
}

// take gives the next message that may be published now, or how long until there may be one;
// negative means that only an event can change that.
func (q *queue) take(now time.Time, window int) (*message, time.Duration) {
	q.expire(now)
	if len(q.awaiting) >= window {
		return nil, q.awaiting[0].due.Sub(now)
	}
	if len(q.waiting) > 0 && !q.waiting[0].due.After(now) {
		return q.waiting[0], 0
	}
	wait := time.Duration(-1)
	for _, h := range []byDue{q.waiting, q.awaiting} {
		if len(h) > 0 && (wait < 0 || h[0].due.Sub(now) < wait) {
			wait = h[0].due.Sub(now)
		}
	}
	return nil, wait
}

// byDue is a heap by due time, then number.
type byDue []*message

func (h byDue) Len() int { return len(h) }
func (h byDue) Less(i, j int) bool {
	if h[i].due.Equal(h[j].due) {
		return h[i].number < h[j].number
	}
	return h[i].due.Before(h[j].due)
}
func (h byDue) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

// Push is for package heap.
func (h *byDue) Push(x any) {
	m := x.(*message)
	m.slot = len(*h)
	*h = append(*h, m)
}

// Pop is for package heap.
func (h *byDue) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

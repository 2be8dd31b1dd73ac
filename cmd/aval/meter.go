package main

import (
	"fmt"
	"io"
	"time"

	"aval/ledger"
)

// meter shows people how far a long piece of work has come: a line at most each second.
type meter struct {
	out    io.Writer
	quiet  bool
	began  time.Time
	shown  time.Time
	leaves uint64
}

func newMeter(out io.Writer, quiet bool) *meter {
	now := time.Now()
	return &meter{out: out, quiet: quiet, began: now, shown: now}
}

// tell is a node.Progress.
func (m *meter) tell(p ledger.Progress, bytes uint64) {
	m.leaves = p.Leaves
	if m.quiet || time.Since(m.shown) < time.Second {
		return
	}
	m.shown = time.Now()
	seconds := m.shown.Sub(m.began).Seconds()
	written := ""
	if bytes > 0 {
		written = fmt.Sprintf("%.1f MB, ", float64(bytes)/1e6)
	}
	fmt.Fprintf(m.out, "%d of %d leaves, %s%.0f leaves/s\n", p.Leaves, p.Of, written, float64(p.Leaves)/seconds)
}

package witness

import (
	"context"
	"slices"
	"sync"
	"time"
)

// round is one head on its way through the witnesses.
type round struct {
	size       uint64
	checkpoint []byte
	began      time.Time
	lines      map[string][]byte
	// published counts the cosignatures that were handed to the log, zero before the quorum.
	published int
}

// step begins a round if it is time, and asks every witness that is due. It gives the time
// until there is something to do again.
func (g *Gatherer) step(ctx context.Context, attempts *sync.WaitGroup) time.Duration {
	now := g.config.Now()
	if g.over(now) {
		size, checkpoint := g.config.Log.Signed()
		if size > g.round.size {
			g.round = round{size: size, checkpoint: checkpoint, began: now, lines: map[string][]byte{}}
		}
	}
	next := maxPause
	idle := true
	for _, p := range g.peers {
		switch {
		case g.round.size == 0 || g.round.lines[p.name] != nil && p.busy == 0:
		case p.busy > 0:
			idle = false
		case now.Before(p.due):
			next = min(next, p.due.Sub(now))
		default:
			p.busy, idle = g.round.size, false
			attempts.Add(1)
			go func(size uint64, checkpoint []byte) {
				defer attempts.Done()
				g.results <- g.attempt(ctx, p, p.known, size, checkpoint)
			}(g.round.size, g.round.checkpoint)
		}
	}
	if idle && g.round.size > 0 {
		g.begin()
		if g.round.published == 0 {
			g.publish() // again, if the log could not keep it
		}
	}
	if rest := g.round.began.Add(Interval).Sub(now); rest > 0 {
		next = min(next, rest)
	}
	return next
}

// over says whether the round may give way to the next: its quorum is reached, or nobody is
// being asked about it, and the interval has passed.
func (g *Gatherer) over(now time.Time) bool {
	if g.round.size == 0 {
		return true
	}
	asked := slices.ContainsFunc(g.peers, func(p *peer) bool { return p.busy == g.round.size })
	return now.Sub(g.round.began) >= Interval && (g.round.published > 0 || !asked)
}

// publish hands the log the head with the cosignatures so far, once they are a quorum.
func (g *Gatherer) publish() {
	names := map[string]bool{}
	signed := slices.Clone(g.round.checkpoint)
	for _, p := range g.peers {
		if line := g.round.lines[p.name]; line != nil {
			names[p.name] = true
			signed = append(signed, line...)
		}
	}
	if !g.config.Policy.AsksWitnesses() || !g.config.Policy.Satisfied(names) {
		return
	}
	if err := g.config.Log.Cosign(signed); err != nil {
		g.config.Logger.Error("cannot publish a cosigned head", "size", g.round.size, "error", err)
		return
	}
	g.round.published = len(names)
	g.confirmed.Store(true)
}

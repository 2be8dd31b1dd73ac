package witness

import "maps"

// Stats counts what became of the requests to one witness.
type Stats struct {
	Witness string
	// Cosigned counts its cosignatures, Size is that of the last head it cosigned.
	Cosigned, Size uint64
	// Failures counts the others by reason: unreachable, refused, bad-signature, bad-answer, contradiction.
	Failures map[string]uint64
}

// Stats gives the counts of every witness, in the order of the policy.
func (g *Gatherer) Stats() []Stats {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []Stats
	for _, s := range g.stats {
		s.Failures = maps.Clone(s.Failures)
		all = append(all, s)
	}
	return all
}

// count adds a success, or a failure that has a reason.
func (g *Gatherer) count(p *peer, reason string, size uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &g.stats[p.index]
	if reason != "" {
		s.Failures[reason]++
		return
	}
	s.Cosigned++
	s.Size = size
}

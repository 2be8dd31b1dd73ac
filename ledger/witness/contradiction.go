package witness

import (
	"errors"
	"fmt"
	"strings"
)

// Contradiction ends a Gatherer: the log's disk was rolled back or forked. To go on would be to
// sign a second history.
type Contradiction struct {
	// Witnesses are the names of those that know another history.
	Witnesses []string
	// Evidence is a head of it that the log itself has signed; empty if a quorum of witnesses
	// says so and none of them shows a head.
	Evidence []byte
}

// Error says what is known and what to do.
func (c *Contradiction) Error() string {
	proof := "show a head that this log signed and does not hold"
	if len(c.Evidence) == 0 {
		proof = "are a quorum and know a history that this log does not hold"
	}
	return fmt.Sprintf("ROLLED BACK OR FORKED: the witnesses %s %s; this database is an older or another copy: put the newest one back",
		strings.Join(c.Witnesses, ", "), proof)
}

// judge decides whether the log may go on. A head that the log itself signed is a proof,
// whoever shows it. Without one the word of a witness is a claim, and a quorum of them is
// believed, as in everything else.
func (g *Gatherer) judge(r result) error {
	if !errors.Is(r.err, errKnowsMore) && !errors.Is(r.err, errKnowsOther) {
		return nil
	}
	if yes, err := g.config.Log.Contradicted(r.evidence); err == nil && yes {
		return &Contradiction{Witnesses: []string{r.peer.name}, Evidence: r.evidence}
	}
	g.claims[r.peer.name] = true
	if g.config.Policy.AsksWitnesses() && g.config.Policy.Satisfied(g.claims) {
		c := &Contradiction{}
		for _, p := range g.peers {
			if g.claims[p.name] {
				c.Witnesses = append(c.Witnesses, p.name)
			}
		}
		return c
	}
	return nil
}

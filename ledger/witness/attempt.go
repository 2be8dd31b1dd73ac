package witness

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// peer is one witness as the loop sees it. Only the loop touches it.
type peer struct {
	name   string
	index  int
	client *client
	// known is the size that the witness is believed to know.
	known uint64
	// busy is the size of the head that it is being asked about, zero for none.
	busy    uint64
	due     time.Time
	pause   time.Duration
	failing bool
	said    time.Time
}

// result is the end of one attempt.
type result struct {
	peer     *peer
	size     uint64
	line     []byte
	known    uint64
	evidence []byte
	err      error
}

// attempt asks one witness, following the sizes that it names. It touches nothing of the loop's.
func (g *Gatherer) attempt(ctx context.Context, p *peer, known, size uint64, checkpoint []byte) result {
	r := result{peer: p, size: size, known: known}
	for range maxTurns {
		proof, err := g.config.Log.Consistency(r.known, size)
		if err != nil {
			r.err = fail(reasonAnswer, "prove from %d to %d: %w", r.known, size, err)
			return r
		}
		r.line, r.err = p.client.cosign(ctx, request{old: r.known, proof: proof, checkpoint: checkpoint})
		var other *conflict
		if !errors.As(r.err, &other) {
			break
		}
		if newest, _ := g.config.Log.Signed(); other.size > newest {
			r.err = &failure{reasonAhead, errKnowsMore}
			break
		}
		if other.size == size && r.known == size {
			r.err = &failure{reasonAhead, errKnowsOther}
			break
		}
		if other.size > size || other.size == r.known {
			r.err = fail(reasonAnswer, "in conflict about size %d", other.size)
			break
		}
		r.known = other.size
	}
	var moving *conflict
	if errors.As(r.err, &moving) {
		r.err = fail(reasonAnswer, "names one size after the other")
	}
	if errors.Is(r.err, errKnowsMore) || errors.Is(r.err, errKnowsOther) {
		r.evidence, _ = p.client.evidence(ctx) // without it, it is a claim
	}
	return r
}

// settle takes the end of an attempt into account.
func (g *Gatherer) settle(r result) error {
	p := r.peer
	p.busy, p.known = 0, r.known
	if r.err != nil {
		return g.failed(r)
	}
	p.known, p.pause, p.due = r.size, minPause, time.Time{}
	if p.failing {
		p.failing = false
		g.config.Logger.Info("a witness cosigns again", "witness", p.name)
	}
	delete(g.claims, p.name)
	g.count(p, "", r.size)
	if r.size == g.round.size {
		g.round.lines[p.name] = r.line
		g.publish()
	}
	return nil
}

// failed counts a failure, says so now and then, and judges what the witness claims.
func (g *Gatherer) failed(r result) error {
	p, reason := r.peer, reasonAnswer
	var f *failure
	if errors.As(r.err, &f) {
		reason = f.reason
	}
	now := g.config.Now()
	p.due, p.pause = now.Add(p.pause), min(2*p.pause, maxPause)
	if errors.Is(r.err, errKnowsOther) {
		p.known = 0 // let it name its size again
	}
	g.count(p, reason, 0)
	if !p.failing || now.Sub(p.said) >= quiet {
		level := slog.LevelWarn
		if reason == reasonAhead {
			level = slog.LevelError
		}
		g.config.Logger.Log(context.Background(), level, "a witness does not cosign", "witness", p.name, "reason", reason, "error", r.err)
		p.said = now
	}
	p.failing = true
	return g.judge(r)
}

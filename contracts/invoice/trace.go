package invoice

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"aval/domain"
)

// Limits of what is kept about the messages of one device on one shipment.
const (
	// MaxRuns bounds the runs of consecutive messages, over all keys and epochs: a shuffled
	// backlog makes many for a while.
	MaxRuns = 256
	// MaxUnknown bounds the separate spans that broken links make unknown.
	MaxUnknown = 256
)

// trace is the record trace/<shipment>/<device>: which messages came, and what is missing.
// At most 40 KiB with every limit reached, some 250 bytes usually.
type trace struct {
	Device string `json:"device"`
	Runs   []run  `json:"runs,omitempty"`
	// Unknown is the union of the closed spans around broken links, in order of time.
	Unknown []span `json:"unknown,omitempty"`
	// Equivocations counts second messages under an identity already used.
	Equivocations int64 `json:"equivocations,omitempty"`
	// Apart and Suspect count readings that are neither good nor bad.
	Apart   int64 `json:"apart,omitempty"`
	Suspect int64 `json:"suspect,omitempty"`
}

// run is a run of messages of consecutive sequence under one key and epoch.
type run struct {
	Key   string `json:"key"`
	Epoch uint64 `json:"epoch"`
	Low   uint64 `json:"low"`
	High  uint64 `json:"high"`
	// Before is what the lowest message names as its previous one, Last the fingerprint of the highest.
	Before []byte `json:"before,omitempty"`
	Last   []byte `json:"last"`
	// From is the first instant of the lowest message, To the last one of the highest.
	From domain.Millis `json:"from"`
	To   domain.Millis `json:"to"`
}

type span struct {
	From domain.Millis `json:"from"`
	To   domain.Millis `json:"to"`
}

// add takes one message. The result does not depend on the order in which messages come:
// each pair of neighbours is compared once, when the second of the two arrives.
func (t *trace) add(o domain.Observation, got intake) error {
	next := run{
		Key: o.KeyID, Epoch: o.Epoch, Low: o.Sequence, High: o.Sequence,
		Before: o.Previous, Last: o.Fingerprint, From: got.from, To: got.to,
	}
	i, same := slices.BinarySearchFunc(t.Runs, next, compareRuns)
	if same || i > 0 && t.Runs[i-1].holds(next) {
		return domain.Refuse(domain.NotEvidence, "sequence %d of epoch %d has been counted", o.Sequence, o.Epoch)
	}
	t.Runs = slices.Insert(t.Runs, i, next)
	t.join(i)
	if i > 0 {
		t.join(i - 1)
	}
	t.Apart, t.Suspect = t.Apart+got.apart, t.Suspect+got.suspect
	if len(t.Runs) > MaxRuns || len(t.Unknown) > MaxUnknown {
		return domain.Refuse(domain.LimitExceeded, "evidence is in more than %d pieces or has more than %d broken links", MaxRuns, MaxUnknown)
	}
	return nil
}

// join merges run i with the next one if that goes on where i ends, and checks the link
// between them. A message that names no previous one breaks no link: its signature covers the
// omission, so no gateway can have made it, and the sequence alone then tells what is missing.
func (t *trace) join(i int) {
	if i+1 >= len(t.Runs) {
		return
	}
	a, b := t.Runs[i], t.Runs[i+1]
	if a.Key != b.Key || a.Epoch != b.Epoch || a.High+1 != b.Low {
		return
	}
	if len(b.Before) > 0 && !bytes.Equal(b.Before, a.Last) {
		t.doubt(between(a, b))
	}
	a.High, a.Last, a.To = b.High, b.Last, b.To
	t.Runs[i] = a
	t.Runs = slices.Delete(t.Runs, i+1, i+2)
}

// between is the time from the end of one run to the start of the next; the wrong way round
// if a backlog came later than what followed it.
func between(a, b run) span {
	return span{From: min(a.To, b.From), To: max(a.To, b.From)}
}

// doubt adds a closed span to the union of unknown ones.
func (t *trace) doubt(s span) {
	kept := t.Unknown[:0:0]
	for _, u := range t.Unknown {
		if u.To < s.From || s.To < u.From {
			kept = append(kept, u)
			continue
		}
		s = span{From: min(s.From, u.From), To: max(s.To, u.To)}
	}
	kept = append(kept, s)
	slices.SortFunc(kept, func(a, b span) int { return cmp.Compare(a.From, b.From) })
	t.Unknown = kept
}

// holes are the open spans in which messages are missing: from the last instant before a
// missing sequence to the first one after it.
func (t trace) holes() []span {
	var holes []span
	for i := 1; i < len(t.Runs); i++ {
		if a, b := t.Runs[i-1], t.Runs[i]; a.Key == b.Key && a.Epoch == b.Epoch {
			holes = append(holes, between(a, b))
		}
	}
	return holes
}

// known says whether nothing is missing and no link is broken at an instant.
func (t trace) known(at domain.Millis, holes []span) bool {
	return !slices.ContainsFunc(t.Unknown, func(u span) bool { return u.From <= at && at <= u.To }) &&
		!slices.ContainsFunc(holes, func(h span) bool { return h.From < at && at < h.To })
}

// holds says whether the run has that message already.
func (r run) holds(next run) bool {
	return r.Key == next.Key && r.Epoch == next.Epoch && r.Low <= next.Low && next.Low <= r.High
}

func compareRuns(a, b run) int {
	return cmp.Or(strings.Compare(a.Key, b.Key), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Low, b.Low))
}

package ledger

import (
	"testing"

	"aval/domain"
	"aval/domain/canon"
)

// What a log's own key could sign and a verifier must still refuse: the form of the leaves
// and the order of the batches.
func TestLeavesThatDoNotFollow(t *testing.T) {
	hash := make([]byte, 32)
	e := func(seq uint64) leaf { return leaf{Version: 1, Type: "e", Sequence: seq, Root: hash} }
	s := func(seq, n uint64, now int64) sealLeaf {
		return sealLeaf{Version: 1, Type: "s", Sequence: seq, Entries: n, BookedAt: domain.Millis(now), State: hash, Chain: hash}
	}
	for name, c := range map[string]struct {
		leaves []any
		bad    int // index of the first that is refused, -1 for none
	}{
		"two batches with a gap":   {[]any{e(1), s(1, 1, 10), e(5), e(5), s(5, 2, 11)}, -1},
		"same time":                {[]any{e(1), s(1, 1, 10), e(2), s(2, 1, 10)}, 3},
		"time zero":                {[]any{e(1), s(1, 1, 0)}, 1},
		"same sequence":            {[]any{e(1), s(1, 1, 10), e(1), s(1, 1, 11)}, 2},
		"sequence zero":            {[]any{e(0)}, 0},
		"two sequences in a batch": {[]any{e(1), e(2)}, 1},
		"seal of another batch":    {[]any{e(1), s(2, 1, 10)}, 1},
		"seal counts too many":     {[]any{e(1), s(1, 2, 10)}, 1},
		"empty batch":              {[]any{s(1, 0, 10)}, 0},
		"another version":          {[]any{leaf{Version: 2, Type: "e", Sequence: 1, Root: hash}}, 0},
		"another type":             {[]any{leaf{Version: 1, Type: "x", Sequence: 1, Root: hash}}, 0},
		"short root":               {[]any{leaf{Version: 1, Type: "e", Sequence: 1, Root: hash[1:]}}, 0},
		"seal of another version":  {[]any{e(1), sealLeaf{Version: 2, Type: "s", Sequence: 1, Entries: 1, BookedAt: 1, State: hash, Chain: hash}}, 1},
		"seal of another type":     {[]any{e(1), sealLeaf{Version: 1, Type: "e", Sequence: 1, Entries: 1, BookedAt: 1, State: hash, Chain: hash}}, 1},
		"seal with a short state":  {[]any{e(1), sealLeaf{Version: 1, Type: "s", Sequence: 1, Entries: 1, BookedAt: 1}}, 1},
		"something else":           {[]any{"leaf"}, 0},
	} {
		v, bad := &logAudit{}, -1
		for i, l := range c.leaves {
			data, err := canon.Marshal(l)
			if err != nil {
				t.Fatal(err)
			}
			if v.leaf(data) != nil {
				bad = i
				break
			}
		}
		if bad != c.bad {
			t.Errorf("%s: refused at %d, want %d", name, bad, c.bad)
		}
	}
}

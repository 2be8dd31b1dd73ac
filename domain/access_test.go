package domain

import (
	"fmt"
	"slices"
	"testing"

	"aval/domain/canon"
)

// nothing is the view of a kind that has no records yet.
type nothing struct{ View }

func (nothing) Get(string) ([]byte, bool) { return nil, false }

// Whom an access concerns is told once, with what it may know of it.
func TestWhoIsToldOfAnAccess(t *testing.T) {
	of := []RowsOf{{"acme", 2}, {"founder", 1}}
	for name, c := range map[string]struct {
		a    Access
		want []string
	}{
		"everything, by governance": {
			Access{Viewer: "seer", Granter: "founder", Scope: ScopeAll, Target: "x", Rows: 3, Of: of},
			[]string{"seer 3 x ", "acme 2 x ", "founder 1 x ", "globex 3  "},
		},
		"everything, in a party's name": {
			Access{Viewer: "seer", Granter: "founder", Scope: ScopeAll, As: "acme", Target: "x", Rows: 2, Of: of[:1]},
			[]string{"seer 2 x acme", "acme 2 x acme", "founder 2  ", "globex 2  "},
		},
		"a further part": {
			Access{Part: 1, Viewer: "seer", Granter: "founder", Scope: ScopeAll, Rows: 3, Of: of[:1]},
			[]string{"acme 2  "},
		},
		"by a party": {
			Access{Viewer: "seer", Granter: "acme", Scope: "party:acme", As: "acme", Rows: 2, Of: of[:1]},
			[]string{"seer 2  acme", "acme 2  acme"},
		},
		"by a party that has nothing": {
			Access{Viewer: "seer", Granter: "acme", Scope: "party:acme", As: "acme"},
			[]string{"seer 0  acme", "acme 0  acme"},
		},
	} {
		fx, err := c.a.Effects(nothing{}, 7, []PartyID{"founder", "globex"})
		if err != nil || len(fx.Writes) != len(fx.Events) {
			t.Fatalf("%s: %+v, %v", name, fx, err)
		}
		var got []string
		for i, e := range fx.Events {
			var told WasRead
			if err := canon.Decode(e.Body, &told); err != nil || len(e.Parties) != 1 || e.Key != ReadsKey(e.Parties[0]) || e.Key != fx.Writes[i].Key || !slices.Equal(fx.Writes[i].Parties, e.Parties) {
				t.Errorf("%s: %+v %+v, %v", name, e, fx.Writes[i], err)
			}
			got = append(got, fmt.Sprintf("%s %d %s %s", e.Parties[0], told.Rows, told.Target, told.As))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: told %q, want %q", name, got, c.want)
		}
	}
}

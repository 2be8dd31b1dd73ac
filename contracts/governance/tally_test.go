package governance_test

import (
	"strings"
	"testing"

	"aval/contracts/governance"
	"aval/domain"
)

// freeze and thaw are actions about a party.
func freeze(id string) object { return deed("freeze", id, object{"party": id}) }

// Each line is a count that one slip in it would change: the ballots that are cast after m0 proposed, the tally, what becomes of it.
func TestTally(t *testing.T) {
	for name, c := range map[string]struct {
		members int
		actions []object
		ballots string // "m1 yes, m2 no"
		want    governance.Tally
		status  string
	}{
		"two of two":                       {2, []object{limits(1)}, "m1 yes", governance.Tally{Members: 2, Yes: 2}, governance.Accepted},
		"one of two":                       {2, []object{limits(1)}, "m1 no", governance.Tally{Members: 2, Yes: 1, No: 1}, governance.Open},
		"two of three":                     {3, []object{limits(1)}, "m1 yes", governance.Tally{Members: 3, Yes: 2}, governance.Open},
		"three of four":                    {4, []object{limits(1)}, "m1 yes, m2 yes", governance.Tally{Members: 4, Yes: 3}, governance.Accepted},
		"four of six":                      {6, []object{limits(1)}, "m1 yes, m2 yes, m3 yes", governance.Tally{Members: 6, Yes: 4}, governance.Open},
		"one veto":                         {4, []object{limits(1)}, "m3 veto, m1 yes, m2 yes", governance.Tally{Members: 4, Yes: 3, Veto: 1}, governance.Accepted},
		"two vetoes":                       {7, []object{limits(1)}, "m6 veto, m5 veto, m1 yes, m2 yes, m3 yes, m4 yes", governance.Tally{Members: 7, Yes: 5, Veto: 2}, governance.Open},
		"about one of three":               {3, []object{roles("m2")}, "m1 yes", governance.Tally{Members: 2, Yes: 2}, governance.Accepted},
		"about one who votes":              {4, []object{roles("m2")}, "m2 yes, m1 yes", governance.Tally{Members: 3, Yes: 2}, governance.Open},
		"about its keys and roles":         {4, []object{roles("m3"), deed("revokeKey", "m3", nil)}, "m1 yes, m2 yes", governance.Tally{Members: 3, Yes: 3}, governance.Accepted},
		"about two of five":                {5, []object{roles("m3"), roles("m4")}, "m1 yes, m2 yes", governance.Tally{Members: 5, Yes: 3}, governance.Open},
		"about one, and the limits":        {4, []object{roles("m3"), limits(1)}, "m1 yes", governance.Tally{Members: 4, Yes: 2}, governance.Open},
		"the proposer about itself":        {4, []object{roles("m0")}, "m1 yes, m2 yes", governance.Tally{Members: 3, Yes: 2}, governance.Open},
		"an emergency":                     {7, []object{freeze("acme")}, "m1 yes", governance.Tally{Members: 7, Yes: 2}, governance.Accepted},
		"two at once":                      {7, []object{freeze("acme"), freeze("m6")}, "m1 yes", governance.Tally{Members: 7, Yes: 2}, governance.Accepted},
		"an emergency and something else":  {7, []object{freeze("acme"), limits(1)}, "m1 yes", governance.Tally{Members: 7, Yes: 2}, governance.Open},
		"an emergency that one of two let": {7, []object{freeze("acme")}, "m0 no, m1 yes", governance.Tally{Members: 7, Yes: 1, No: 1}, governance.Open},
		"a thaw is no emergency":           {4, []object{limits(1), freeze("acme")}, "m1 yes", governance.Tally{Members: 4, Yes: 2}, governance.Open},
	} {
		b := founders(t, c.members)
		for _, a := range c.actions {
			if a["name"] == "revokeKey" {
				id := key(t, a["contract"].(string)).ID
				a["contract"], a["body"] = id, object{"id": id}
			}
		}
		must(t, propose(b, "m0", "p", c.actions...))
		for cast := range strings.SplitSeq(c.ballots, ", ") {
			by, choice, _ := strings.Cut(cast, " ")
			must(t, ballot(b, domain.PartyID(by), "p", choice))
		}
		p := proposal(t, b, "p")
		if got := p.Tally; got.Members != c.want.Members || got.Yes != c.want.Yes || got.No != c.want.No || got.Veto != c.want.Veto || p.Status != c.status {
			t.Errorf("%s: %+v, %s %s, want %+v, %s", name, got, p.Status, p.Failure, c.want, c.status)
		}
	}
}

// A rule of one vote is not satisfied by the proposer's, if there is a second member.
func TestTwoMembersCheckEachOther(t *testing.T) {
	b := founders(t, 2)
	must(t, propose(b, "m0", "easy", deed("setConstitution", "constitution", object{"rule": "yes > 0", "proposed": []string{}})))
	must(t, ballot(b, "m1", "easy", "yes"))
	must(t, propose(b, "m0", "p", limits(1)))
	wantStatus(t, b, "p", governance.Open)
	must(t, ballot(b, "m1", "p", "no"))
	wantStatus(t, b, "p", governance.Open)
	must(t, ballot(b, "m1", "p", "yes"))
	wantStatus(t, b, "p", governance.Accepted)
}

// A member whose name is that of a setting has its say about the setting.
func TestAMemberNamedLikeASettingVotes(t *testing.T) {
	b := founders(t, 2)
	must(t, propose(b, "m0", "join", registration(t, "limits", "member")))
	must(t, ballot(b, "m1", "join", "yes"))
	must(t, propose(b, "m0", "p", limits(1)))
	must(t, ballot(b, "m1", "p", "yes"))
	wantStatus(t, b, "p", governance.Open)
	must(t, ballot(b, "limits", "p", "yes"))
	wantStatus(t, b, "p", governance.Accepted)
}

// The ballot of who was frozen meanwhile does not count, its membership does.
func TestAFrozenBallotDoesNotCount(t *testing.T) {
	b := founders(t, 4)
	must(t, propose(b, "m0", "p", limits(1)))
	must(t, ballot(b, "m3", "p", "yes"))
	must(t, propose(b, "m0", "stop", freeze("m3")))
	must(t, ballot(b, "m1", "stop", "yes"))
	wantStatus(t, b, "stop", governance.Accepted)
	must(t, ballot(b, "m1", "p", "yes"))
	if p := proposal(t, b, "p"); p.Tally.Yes != 2 || p.Tally.Members != 4 || p.Status != governance.Open {
		t.Errorf("%+v %s", p.Tally, p.Status)
	}
	must(t, ballot(b, "m2", "p", "yes"))
	wantStatus(t, b, "p", governance.Accepted)
}

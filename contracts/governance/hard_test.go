package governance_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"aval/contracts/contracttest"
	"aval/contracts/governance"
	"aval/domain"
)

func limits(n int) object {
	return deed("setLimits", "limits", object{"commandsPerMinute": n, "readsPerMinute": 0})
}

func wantStatus(t testing.TB, b *contracttest.Bench, id, want string) {
	t.Helper()
	if p := proposal(t, b, id); p.Status != want {
		t.Errorf("proposal %s is %s (%s), want %s", id, p.Status, p.Failure, want)
	}
}

func wantCode(t testing.TB, err error, want domain.Code) {
	t.Helper()
	if code(err) != want {
		t.Errorf("got %v, want %q", err, want)
	}
}

func TestProposalsRefuse(t *testing.T) {
	good := limits(1)
	for name, c := range map[string]struct {
		by     domain.PartyID
		verb   string
		target string
		body   object
		code   domain.Code
	}{
		"by a buyer":         {"acme", "propose", "p", object{"id": "p", "actions": []object{good}, "expires": start + day}, domain.NotPermitted},
		"other contract":     {"m0", "propose", "q", object{"id": "p", "actions": []object{good}, "expires": start + day}, domain.Malformed},
		"no actions":         {"m0", "propose", "p", object{"id": "p", "actions": []object{}, "expires": start + day}, domain.LimitExceeded},
		"many actions":       {"m0", "propose", "p", object{"id": "p", "actions": slices.Repeat([]object{good}, governance.MaxActions+1), "expires": start + day}, domain.LimitExceeded},
		"unknown action":     {"m0", "propose", "p", object{"id": "p", "actions": []object{deed("sell", "x", nil)}, "expires": start + day}, domain.UnknownCommand},
		"a proposal of one":  {"m0", "propose", "p", object{"id": "p", "actions": []object{deed("propose", "x", nil)}, "expires": start + day}, domain.UnknownCommand},
		"the ledger's own":   {"m0", "propose", "p", object{"id": "p", "actions": []object{deed("Genesis", "ledger", nil)}, "expires": start + day}, domain.UnknownCommand},
		"odd action body":    {"m0", "propose", "p", object{"id": "p", "actions": []object{deed("setLimits", "limits", object{"x": 1})}, "expires": start + day}, domain.Malformed},
		"refused action":     {"m0", "propose", "p", object{"id": "p", "actions": []object{roles("nobody")}, "expires": start + day}, domain.NotFound},
		"expired at once":    {"m0", "propose", "p", object{"id": "p", "actions": []object{good}, "expires": start}, domain.InvalidTerms},
		"open too long":      {"m0", "propose", "p", object{"id": "p", "actions": []object{good}, "expires": start + 31*day}, domain.InvalidTerms},
		"taken":              {"m0", "propose", "open", object{"id": "open", "actions": []object{good}, "expires": start + day}, domain.AlreadyExists},
		"taken before":       {"m0", "propose", "done", object{"id": "done", "actions": []object{good}, "expires": start + day}, domain.AlreadyExists},
		"vote by a buyer":    {"acme", "vote", "open", object{"proposal": "open", "ballot": "yes"}, domain.NotPermitted},
		"odd ballot":         {"m1", "vote", "open", object{"proposal": "open", "ballot": "maybe"}, domain.Malformed},
		"vote twice":         {"m0", "vote", "open", object{"proposal": "open", "ballot": "yes"}, domain.AlreadyExists},
		"vote on nothing":    {"m1", "vote", "none", object{"proposal": "none", "ballot": "yes"}, domain.NotFound},
		"vote when decided":  {"m1", "vote", "done", object{"proposal": "done", "ballot": "veto"}, domain.WrongState},
		"withdraw another's": {"m1", "withdraw", "open", object{"proposal": "open"}, domain.NotPermitted},
		"direct by one":      {"m0", "setLimits", "limits", object{"commandsPerMinute": 1, "readsPerMinute": 0}, domain.NotPermitted},
		"member by one":      {"m0", "setRoles", "acme", object{"party": "acme", "roles": []string{"member"}}, domain.NotPermitted},
		"key of a member":    {"m0", "registerKey", key(t, "x").ID, object{"key": key(t, "x"), "class": "party", "holder": "m1"}, domain.NotPermitted},
		"end of a member's":  {"m0", "revokeKey", key(t, "m1").ID, object{"id": key(t, "m1").ID}, domain.NotPermitted},
		"freeze by one":      {"m0", "freeze", "acme", object{"party": "acme"}, domain.NotPermitted},
		"constitution alone": {"m0", "setConstitution", "constitution", object{"rule": "true", "proposed": []string{}}, domain.NotPermitted},
	} {
		b := founders(t, 3)
		must(t, propose(b, "m0", "open", limits(7)))
		must(t, propose(b, "m0", "done", limits(8)))
		must(t, send(b, "m0", "done", "withdraw", object{"proposal": "done"}))
		before := len(b.Events())
		if err := send(b, c.by, c.target, c.verb, c.body); code(err) != c.code || len(b.Events()) != before {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
}

func TestVoteAfterExpiryIsTooLate(t *testing.T) {
	b := founders(t, 3)
	must(t, propose(b, "m0", "p", limits(1)))
	must(t, ballot(b, "m1", "p", "yes"))
	b.Advance(b.Now() + day)
	wantStatus(t, b, "p", governance.Lapsed)
	wantCode(t, ballot(b, "m2", "p", "yes"), domain.WrongState)
}

func TestAChangedVoteCountsOnceAndAVetoCanBeTakenBack(t *testing.T) {
	b := founders(t, 3)
	must(t, propose(b, "m0", "p", limits(1)))
	for _, choice := range []string{"no", "veto", "no", "veto"} {
		must(t, ballot(b, "m1", "p", choice))
	}
	must(t, ballot(b, "m2", "p", "yes"))
	if p := proposal(t, b, "p"); len(p.Ballots) != 3 || p.Tally.Yes != 2 || p.Tally.Veto != 1 || p.Tally.No != 0 || p.Status != governance.Open {
		t.Fatalf("%+v", p)
	}
	must(t, ballot(b, "m1", "p", "yes"))
	wantStatus(t, b, "p", governance.Accepted)
	wantCode(t, ballot(b, "m1", "p", "veto"), domain.WrongState)
}

func TestTwoVetoesStopAMajority(t *testing.T) {
	b := founders(t, 8)
	must(t, propose(b, "m0", "p", limits(1)))
	must(t, ballot(b, "m1", "p", "veto"))
	must(t, ballot(b, "m2", "p", "veto"))
	for i := 3; i < 8; i++ {
		must(t, ballot(b, member(i), "p", "yes"))
	}
	wantStatus(t, b, "p", governance.Open) // six of eight, and two vetoes
	must(t, ballot(b, "m2", "p", "no"))
	wantStatus(t, b, "p", governance.Accepted)
}

// A member that leaves takes its ballot with it, and the bar falls with the number of members.
func TestABallotOfAMemberThatLeftDoesNotCount(t *testing.T) {
	b := founders(t, 4)
	must(t, propose(b, "m0", "p", limits(1)))
	must(t, ballot(b, "m3", "p", "yes"))
	must(t, propose(b, "m0", "out", roles("m3")))
	must(t, ballot(b, "m1", "out", "yes"))
	must(t, ballot(b, "m2", "out", "yes")) // three of three: m3 has no say in its own matter
	wantStatus(t, b, "out", governance.Accepted)
	must(t, ballot(b, "m1", "p", "yes"))
	if p := proposal(t, b, "p"); p.Status != governance.Open || p.Tally.Members != 3 || p.Tally.Yes != 2 {
		t.Fatalf("%+v", p.Tally)
	}
	must(t, ballot(b, "m2", "p", "yes"))
	wantStatus(t, b, "p", governance.Accepted)
}

// What was signed before a key was revoked stays; the party may take it back with its next key.
func TestABallotOutlivesItsKey(t *testing.T) {
	b := founders(t, 3)
	next := key(t, "m1 next")
	must(t, propose(b, "m0", "p", limits(1)))
	must(t, ballot(b, "m1", "p", "yes"))
	must(t, send(b, "m1", next.ID, "registerKey", object{"key": next, "class": "party", "holder": "m1"}))
	must(t, send(b, "m1", key(t, "m1").ID, "revokeKey", object{"id": key(t, "m1").ID}))
	must(t, ballot(b, "m2", "p", "yes"))
	wantStatus(t, b, "p", governance.Accepted)
}

// Of two proposals that exclude each other the first that passes holds; the other fails whole.
func TestTheSecondOfTwoConflictingProposalsFails(t *testing.T) {
	b := founders(t, 3)
	must(t, propose(b, "m0", "p", registration(t, "m3", "member")))
	must(t, propose(b, "m1", "q", limits(5), registration(t, "m3")))
	for _, id := range []string{"p", "q"} {
		for i := range 3 {
			if b.Status("governance/1", "proposal/"+id) == governance.Open && member(i) != proposal(t, b, id).Proposer {
				must(t, ballot(b, member(i), id, "yes"))
			}
		}
	}
	wantStatus(t, b, "p", governance.Accepted)
	wantStatus(t, b, "q", governance.Failed)
	if b.Status("governance/1", "limits/current") != "" {
		t.Error("half of a proposal was done")
	}
}

// A proposal is judged by the constitution of the moment, not by that under which it was made.
func TestANewConstitutionJudgesWhatIsOpen(t *testing.T) {
	b := founders(t, 3)
	must(t, propose(b, "m0", "p", limits(1)))
	must(t, ballot(b, "m1", "p", "no"))
	must(t, propose(b, "m1", "law", deed("setConstitution", "constitution", object{"rule": "2 * yes > members", "proposed": []string{"registerParty"}})))
	must(t, ballot(b, "m0", "law", "yes"))
	must(t, ballot(b, "m2", "law", "yes"))
	must(t, ballot(b, "m2", "p", "yes"))
	if p := proposal(t, b, "p"); p.Status != governance.Accepted || p.Constitution != 2 {
		t.Fatalf("%+v", p)
	}
	wantCode(t, send(b, "m0", "new", "registerParty", object{"party": "new", "roles": []string{}, "keys": []domain.Key{}}), domain.NotPermitted)
}

func TestAProposerIsNeverTheOnlyVoter(t *testing.T) {
	b := founders(t, 1)
	must(t, propose(b, "m0", "law", deed("setConstitution", "constitution", object{"rule": "yes > 0", "proposed": []string{}})))
	must(t, propose(b, "m0", "join", registration(t, "m1", "member"), registration(t, "m2", "member")))
	must(t, propose(b, "m0", "p", limits(1)))
	wantStatus(t, b, "p", governance.Open)
	must(t, ballot(b, "m1", "p", "no"))
	wantStatus(t, b, "p", governance.Open)
	must(t, ballot(b, "m2", "p", "yes"))
	wantStatus(t, b, "p", governance.Accepted)
}

func TestAnyTwoFreezeButNeverTakeOver(t *testing.T) {
	b := founders(t, 5)
	must(t, propose(b, "m0", "f1", deed("freeze", "acme", object{"party": "acme"})))
	must(t, ballot(b, "m1", "f1", "yes"))
	wantStatus(t, b, "f1", governance.Accepted)
	if p, _ := b.Party("acme"); p.Frozen == 0 {
		t.Error("acme is not frozen")
	}
	must(t, propose(b, "m0", "before", limits(2)))
	must(t, ballot(b, "m4", "before", "yes"))
	must(t, propose(b, "m0", "f2", deed("freeze", "m4", object{"party": "m4"})))
	must(t, ballot(b, "m1", "f2", "yes"))
	must(t, ballot(b, "m1", "before", "yes"))
	if p := proposal(t, b, "before"); p.Tally.Yes != 2 || len(p.Ballots) != 3 {
		t.Errorf("the ballot of a frozen member counts: %+v", p.Tally)
	}
	must(t, propose(b, "m0", "p", limits(1)))
	must(t, ballot(b, "m1", "p", "yes"))
	must(t, ballot(b, "m2", "p", "yes"))
	if p := proposal(t, b, "p"); p.Tally.Members != 5 || p.Status != governance.Open {
		t.Errorf("a frozen member left the count: %+v", p.Tally)
	}
	must(t, propose(b, "m0", "f3", deed("freeze", "m3", object{"party": "m3"})))
	must(t, ballot(b, "m1", "f3", "yes"))
	wantCode(t, propose(b, "m0", "f4", deed("freeze", "m2", object{"party": "m2"})), domain.WrongState)
	must(t, propose(b, "m0", "u3", deed("unfreeze", "m3", object{"party": "m3"})))
	must(t, ballot(b, "m1", "u3", "yes"))
	must(t, ballot(b, "m2", "u3", "yes"))
	must(t, propose(b, "m0", "u", deed("unfreeze", "m4", object{"party": "m4"})))
	must(t, ballot(b, "m1", "u", "yes"))
	must(t, ballot(b, "m2", "u", "yes"))
	wantStatus(t, b, "u", governance.Accepted)
}

func TestRulesRefuse(t *testing.T) {
	for name, c := range map[string]struct {
		rule string
		code domain.Code
	}{
		"majority":        {"2 * yes > members", ""},
		"end of the time": {"!open && yes > no", ""},
		"by kind":         {`"freeze" in kinds ? yes > 1 || yes == members : 2 * yes > members`, ""},
		"not CEL":         {"yes >", domain.InvalidTerms},
		"empty":           {"", domain.InvalidTerms},
		"a number":        {"yes", domain.InvalidTerms},
		"unknown name":    {"yes > quorum", domain.InvalidTerms},
		"always":          {"true", domain.InvalidTerms},
		"never":           {"false", domain.InvalidTerms},
		"locked at ten":   {"2 * yes > members && members != 10", domain.InvalidTerms},
		"kind locked":     {`kinds != ["setRoles"] && 2 * yes > members`, domain.InvalidTerms},
		"more than all":   {"yes > members", domain.InvalidTerms},
		"by zero":         {"yes / (members - members) > 0", domain.InvalidTerms},
		"fraction":        {"yes > 0.66", domain.InvalidTerms},
		"two fractions":   {"2 * yes > members && 1.5 < 2.5", domain.InvalidTerms},
		"conversion":      {"double(yes) > double(members)", domain.InvalidTerms},
		"clock":           {`timestamp("2025-01-06T08:00:00Z") > timestamp("2024-01-06T08:00:00Z")`, domain.InvalidTerms},
		"loop":            {"[1, 2].all(x, x > 0)", domain.InvalidTerms},
		"pattern":         {`"a".matches("a+")`, domain.InvalidTerms},
		"too long":        {"yes > 0 // " + string(make([]byte, governance.MaxRule)), domain.LimitExceeded},
	} {
		b := founders(t, 1)
		err := propose(b, "m0", "p", deed("setConstitution", "constitution", object{"rule": c.rule, "proposed": []string{}}))
		if code(err) != c.code {
			t.Errorf("%s: got %v, want %q", name, err, c.code)
		}
	}
	if err := propose(founders(t, 1), "m0", "p", deed("setConstitution", "constitution", object{"rule": governance.DefaultRule, "proposed": []string{"freeze"}})); code(err) != domain.Malformed {
		t.Errorf("odd list: %v", err)
	}
	must(t, propose(founders(t, 1), "m0", "p", deed("setConstitution", "constitution", object{"rule": governance.DefaultRule, "proposed": []string{"setRoles"}})))
}

func TestTwoReleasesAreTrustedDuringARollOver(t *testing.T) {
	b := founders(t, 1)
	trust := func(id, value, release string) error {
		return propose(b, "m0", id, deed("trustMeasurement", "measurements", object{"platform": "tdx", "value": value, "release": release}))
	}
	one, two := fmt.Sprintf("%096x", 1), fmt.Sprintf("%064x", 2)
	must(t, trust("a", one, "v1"))
	must(t, trust("b", two, "v2"))
	wantCode(t, trust("c", two, "v2"), domain.AlreadyExists)
	wantCode(t, trust("d", "XY", "v2"), domain.Malformed)
	until := b.Now() + 1000
	must(t, propose(b, "m0", "e", deed("distrustMeasurement", "measurements", object{"platform": "tdx", "value": one, "until": until})))
	var m domain.Measurement
	if !b.Body("governance/1", "measurement/tdx/"+one, &m) || !m.TrustedAt(until-1) || m.TrustedAt(until) || m.Since != start {
		t.Errorf("%+v", m)
	}
	if !b.Body("governance/1", "measurement/tdx/"+two, &m) || !m.TrustedAt(until) {
		t.Errorf("%+v", m)
	}
}

// No action is applied without its tally, and the tally is what an independent count of the ballots says.
func TestTallyLaw(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(r, "members")
		b := founders(t, n)
		must(t, propose(b, "m0", "p", limits(1)))
		last, decided := map[int]string{0: "yes"}, n == 1
		for range rapid.IntRange(0, 12).Draw(r, "votes") {
			i, choice := rapid.IntRange(0, n-1).Draw(r, "member"), rapid.SampledFrom([]string{"yes", "no", "veto"}).Draw(r, "ballot")
			err := ballot(b, member(i), "p", choice)
			switch {
			case decided:
				wantCode(t, err, domain.WrongState)
				continue
			case last[i] == choice:
				wantCode(t, err, domain.AlreadyExists)
				continue
			}
			must(t, err)
			last[i] = choice
			counted := map[string]int{}
			for _, said := range last {
				counted[said]++
			}
			decided = counted["veto"] < 2 && 3*counted["yes"] > 2*n
			p := proposal(t, b, "p")
			if p.Tally.Yes != counted["yes"] || p.Tally.No != counted["no"] || p.Tally.Veto != counted["veto"] || p.Tally.Members != n {
				r.Fatalf("tally %+v of %v", p.Tally, last)
			}
		}
		if applied := b.Status("governance/1", "limits/current") != ""; applied != decided {
			r.Fatalf("applied %v, decided %v, by %v of %d", applied, decided, last, n)
		}
	})
}

// Threshold shares follow the members: who leaves loses its share, and too few are never left.
func TestSharesFollowTheMembers(t *testing.T) {
	b := founders(t, 4)
	shares := []object{}
	for i := range 3 {
		shares = append(shares, object{"party": member(i), "key": make([]byte, 1184+32)})
	}
	set := func(id string, threshold int) {
		t.Helper()
		must(t, propose(b, "m3", id, deed("setRecovery", "recovery", object{"threshold": threshold, "members": shares})))
		must(t, ballot(b, "m0", id, "yes"))
		must(t, ballot(b, "m1", id, "yes"))
		wantStatus(t, b, id, governance.Accepted)
	}
	set("three", 3)
	wantCode(t, propose(b, "m0", "out", roles("m2")), domain.WrongState)
	set("two", 2)
	must(t, propose(b, "m0", "out2", roles("m2")))
	must(t, ballot(b, "m1", "out2", "yes"))
	must(t, ballot(b, "m3", "out2", "yes"))
	var r domain.Recovery
	if !b.Body("governance/1", "recovery/current", &r) || r.Number != 3 || r.Threshold != 2 || len(r.Members) != 2 {
		t.Errorf("recovery %d: %d of %d", r.Number, r.Threshold, len(r.Members))
	}
	if got := fmt.Sprint(b.Parties("governance/1", "recovery/current")); got != "[m0 m1 m3]" {
		t.Errorf("seen by %s", got)
	}
}

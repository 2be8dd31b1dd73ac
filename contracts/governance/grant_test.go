package governance_test

import (
	"testing"

	"aval/contracts/contracttest"
	"aval/contracts/governance"
	"aval/domain"
)

func grantOf(t testing.TB, b *contracttest.Bench, viewer, id string) (g domain.Grant, inForce bool) {
	t.Helper()
	inForce = b.Body("governance/1", "grant/"+viewer+"/"+id, &g) && b.Status("governance/1", "grant/"+viewer+"/"+id) == "granted"
	return g, inForce
}

func TestWhoGrantsWhat(t *testing.T) {
	for name, c := range map[string]struct {
		sender, viewer, scope string
		until                 domain.Millis
		want                  domain.Code
	}{
		"a member, everything":        {"founder", "acme", "all", 0, ""},
		"a member, the parties":       {"founder", "acme", "parties", start + 1000, ""},
		"a party, all of its own":     {"acme", "founder", "party:acme", 0, ""},
		"a party, a record":           {"acme", "founder", "cash:1:hold:h1", 0, ""},
		"a party, its account":        {"acme", "founder", "party/acme", 0, ""},
		"a party, everything":         {"acme", "acme", "all", 0, domain.NotPermitted},
		"a party, the parties":        {"acme", "acme", "parties", 0, domain.NotPermitted},
		"a party, another's":          {"acme", "founder", "party:founder", 0, domain.Malformed},
		"a member, another's":         {"founder", "founder", "party:acme", 0, domain.Malformed},
		"a party, another's account":  {"acme", "founder", "party/founder", 0, domain.Malformed},
		"a party, an escrow":          {"acme", "founder", "escrow/cash/1/hold/h1", 0, domain.Malformed},
		"nothing":                     {"acme", "founder", "", 0, domain.Malformed},
		"another name of the same":    {"acme", "founder", "cash:1:hold/h1", 0, domain.Malformed},
		"to nobody":                   {"acme", "nobody", "party:acme", 0, domain.NotFound},
		"until a moment that is past": {"acme", "founder", "party:acme", start, domain.Malformed},
	} {
		b := begun(t)
		err := b.Send(start+1, domain.PartyID(c.sender), "governance/1", "g1", "grant",
			object{"id": "g1", "viewer": c.viewer, "scope": c.scope, "until": c.until})
		if code(err) != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		if _, inForce := grantOf(t, b, c.viewer, "g1"); inForce != (c.want == "") {
			t.Errorf("%s: in force: %v", name, inForce)
		}
	}
}

func TestGrantsEnd(t *testing.T) {
	b := begun(t)
	give := func(id string, until domain.Millis) {
		must(t, send(b, "acme", id, "grant", object{"id": id, "viewer": "founder", "scope": "party:acme", "until": until}))
	}
	give("g1", 0)
	give("g2", start+1000)
	revoke := func(sender domain.PartyID, id string) error {
		return send(b, sender, id, "revokeGrant", object{"id": id, "viewer": "founder"})
	}
	theirs, nothing := revoke("founder", "g1"), revoke("acme", "g9")
	if code(theirs) != domain.NotFound || code(nothing) != domain.NotFound {
		t.Errorf("a party's grant, by its viewer: %v; one that is not there: %v", theirs, nothing)
	}
	must(t, revoke("acme", "g1"))
	if g, inForce := grantOf(t, b, "founder", "g1"); inForce || g.Until == 0 {
		t.Errorf("revoked: %+v", g)
	}
	if err := send(b, "acme", "g1", "grant", object{"id": "g1", "viewer": "founder", "scope": "party:acme", "until": 0}); code(err) != domain.AlreadyExists {
		t.Errorf("the same again: %v", err)
	}
	b.Advance(start + 1000)
	if _, inForce := grantOf(t, b, "founder", "g2"); inForce {
		t.Error("a grant outlived its end")
	}
}

// A member that left its grants to others can have them taken back by those who stayed.
func TestGovernanceTakesItsGrantsBack(t *testing.T) {
	b := begun(t)
	must(t, send(b, "founder", "g1", "grant", object{"id": "g1", "viewer": "acme", "scope": "all", "until": 0}))
	must(t, send(b, "founder", "second", "registerParty", object{"party": "second", "roles": []string{"member"}, "keys": []domain.Key{key(t, "second")}}))
	for name, body := range map[string]object{
		"grant": {"id": "g2", "viewer": "acme", "scope": "all", "until": 0}, "revokeGrant": {"id": "g1", "viewer": "acme"},
	} {
		if err := send(b, "second", body["id"].(string), name, body); code(err) != domain.NotPermitted {
			t.Errorf("%s by one of two: %v", name, err)
		}
	}
	must(t, propose(b, "second", "p", deed("revokeGrant", "g1", object{"id": "g1", "viewer": "acme"})))
	must(t, ballot(b, "founder", "p", governance.Yes))
	if _, inForce := grantOf(t, b, "acme", "g1"); inForce {
		t.Error("still in force")
	}
}

func TestGrantsAreBounded(t *testing.T) {
	b := begun(t)
	ids := []string{}
	for i := range governance.MaxGrants {
		ids = append(ids, "g"+string(rune('A'+i/26))+string(rune('A'+i%26)))
		must(t, send(b, "acme", ids[i], "grant", object{"id": ids[i], "viewer": "founder", "scope": "party:acme", "until": 0}))
	}
	if err := send(b, "acme", "more", "grant", object{"id": "more", "viewer": "founder", "scope": "party:acme", "until": 0}); code(err) != domain.LimitExceeded {
		t.Errorf("%v", err)
	}
}

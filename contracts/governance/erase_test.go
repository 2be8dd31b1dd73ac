package governance_test

import (
	"testing"

	"aval/contracts/governance"
	"aval/domain"
)

// An erased party has no key, no role, no new keys or instruments, and its name is never used again.
func TestErase(t *testing.T) {
	b := begun(t)
	must(t, send(b, "founder", "probe", "registerDevice", object{"device": "probe", "operator": "acme", "gateway": "gw", "key": key(t, "probe")}))
	for name, c := range map[string]struct {
		sender domain.PartyID
		party  string
		code   domain.Code
	}{
		"by no member": {"acme", "acme", domain.NotPermitted},
		"nobody":       {"founder", "ghost", domain.NotFound},
		"last member":  {"founder", "founder", domain.WrongState},
	} {
		if err := send(b, c.sender, c.party, "erase", object{"party": c.party}); code(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	must(t, send(b, "founder", "acme", "erase", object{"party": "acme"}))
	if p, _ := b.Party("acme"); p.Erased != b.Now() || len(p.Roles) != 0 {
		t.Errorf("party %+v", p)
	}
	if k, _ := b.Key(key(t, "acme").ID); k.Revoked != b.Now() {
		t.Errorf("key %+v", k)
	}
	if got := b.Status("governance/1", "party/acme"); got != governance.Erased {
		t.Errorf("status %q", got)
	}
	for name, err := range map[string]error{
		"again":      send(b, "founder", "acme", "erase", object{"party": "acme"}),
		"roles":      send(b, "founder", "acme", "setRoles", object{"party": "acme", "roles": []string{"buyer"}}),
		"key":        send(b, "founder", key(t, "new").ID, "registerKey", object{"key": key(t, "new"), "class": "party", "holder": "acme"}),
		"freeze":     send(b, "founder", "acme", "freeze", object{"party": "acme"}),
		"device key": send(b, "founder", key(t, "new").ID, "registerKey", object{"key": key(t, "new"), "class": "device", "holder": "probe"}),
		"source":     send(b, "founder", "feed", "registerSource", object{"source": "feed", "operator": "acme", "family": "faa", "key": key(t, "feed")}),
	} {
		if code(err) != domain.Erased {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := send(b, "founder", "acme", "registerParty", object{"party": "acme", "roles": []string{}, "keys": []domain.Key{key(t, "new")}}); code(err) != domain.AlreadyExists {
		t.Errorf("the name again: %v", err)
	}
}

// A member that is erased leaves the roster.
func TestEraseMember(t *testing.T) {
	b := begun(t)
	must(t, send(b, "founder", "second", "registerParty", object{"party": "second", "roles": []string{"member"}, "keys": []domain.Key{key(t, "second")}}))
	if err := send(b, "second", "founder", "erase", object{"party": "founder"}); code(err) != domain.NotPermitted {
		t.Errorf("by one of two: %v", err)
	}
	must(t, propose(b, "second", "p", deed("erase", "founder", object{"party": "founder"})))
	must(t, ballot(b, "founder", "p", governance.Yes))
	if err := send(b, "second", "second", "erase", object{"party": "second"}); code(err) != domain.WrongState {
		t.Errorf("the last member: %v", err)
	}
	if err := send(b, "founder", "acme", "erase", object{"party": "acme"}); code(err) != domain.NotPermitted {
		t.Errorf("a member that is erased: %v", err)
	}
}

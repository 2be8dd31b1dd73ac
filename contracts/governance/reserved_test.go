package governance_test

import (
	"slices"
	"testing"

	"aval/contracts/governance"
	"aval/domain"
)

// Of several members none gives alone a role that touches money or evidence.
func TestReservedRolesWantAProposal(t *testing.T) {
	for _, role := range domain.Roles() {
		b := founders(t, 3)
		want := domain.Code("")
		if role == domain.RoleMember || slices.Contains(governance.DefaultRoles(), role) {
			want = domain.NotPermitted
		}
		body := object{"party": "new", "roles": []domain.Role{role}, "keys": []domain.Key{key(t, "new")}}
		wantCode(t, send(b, "m0", "new", "registerParty", body), want)
		wantCode(t, send(b, "m0", "acme", "setRoles", object{"party": "acme", "roles": []domain.Role{"buyer", role}}), ifRepeated(role, want))
		alone := founders(t, 1)
		must(t, send(alone, "m0", "new", "registerParty", body))
	}
}

// ifRepeated is malformed where the role would stand twice.
func ifRepeated(role domain.Role, want domain.Code) domain.Code {
	if role == domain.RoleBuyer {
		return domain.Malformed
	}
	return want
}

// Who could give himself a bank's key, or take its role away, would be the bank, or stop it.
func TestWhoHasAReservedRoleIsTouchedByAProposal(t *testing.T) {
	b := founders(t, 3)
	must(t, propose(b, "m0", "bank", registration(t, "bank", "bank"), registration(t, "gate", "gateway")))
	must(t, ballot(b, "m1", "bank", "yes"))
	must(t, ballot(b, "m2", "bank", "yes"))
	wantStatus(t, b, "bank", governance.Accepted)
	must(t, send(b, "m0", "probe", "registerDevice", object{"device": "probe", "operator": "gate", "gateway": "gw", "key": key(t, "probe")}))
	spare := key(t, "spare")
	register := func(class, holder string) object { return object{"key": spare, "class": class, "holder": holder} }
	wantCode(t, send(b, "m0", "bank", "setRoles", object{"party": "bank", "roles": []string{}}), domain.NotPermitted)
	wantCode(t, send(b, "m0", spare.ID, "registerKey", register("party", "bank")), domain.NotPermitted)
	wantCode(t, send(b, "m0", spare.ID, "registerKey", register("device", "probe")), domain.NotPermitted)
	wantCode(t, send(b, "m0", key(t, "bank").ID, "revokeKey", object{"id": key(t, "bank").ID}), domain.NotPermitted)
	must(t, send(b, "bank", spare.ID, "registerKey", register("party", "bank")))
	must(t, send(b, "bank", spare.ID, "revokeKey", object{"id": spare.ID}))
	must(t, send(b, "m0", key(t, "other").ID, "registerKey", object{"key": key(t, "other"), "class": "party", "holder": "acme"}))
}

func TestConstitutionReservesRoles(t *testing.T) {
	b := founders(t, 2)
	decide := func(id string, body object) {
		t.Helper()
		must(t, propose(b, "m0", id, deed("setConstitution", "constitution", body)))
		must(t, ballot(b, "m1", id, "yes"))
		wantStatus(t, b, id, governance.Accepted)
	}
	now := func() (c domain.Constitution) {
		b.Body("governance/1", "constitution/current", &c)
		return c
	}
	if c := now(); c.Number != 1 || c.Rule != governance.DefaultRule || !slices.Equal(c.Roles, governance.DefaultRoles()) || c.Since != start {
		t.Errorf("at first: %+v", c)
	}
	decide("a", object{"rule": "yes == members", "proposed": []string{}})
	if c := now(); c.Number != 2 || !slices.Equal(c.Roles, governance.DefaultRoles()) {
		t.Errorf("roles that are not named do not stay: %+v", c)
	}
	decide("b", object{"rule": "yes == members", "proposed": []string{}, "roles": []string{"supplier", "buyer"}})
	if c := now(); !slices.Equal(c.Roles, []domain.Role{"buyer", "supplier"}) {
		t.Errorf("%+v", c)
	}
	wantCode(t, send(b, "m0", "acme", "setRoles", object{"party": "acme", "roles": []string{}}), domain.NotPermitted)
	must(t, send(b, "m0", "new", "registerParty", object{"party": "new", "roles": []string{"bank"}, "keys": []domain.Key{}}))
	wantCode(t, send(b, "m0", "new", "setRoles", object{"party": "new", "roles": []string{"member"}}), domain.NotPermitted)
	for _, odd := range [][]string{{"king"}, {"bank", "bank"}} {
		err := propose(b, "m0", "c", deed("setConstitution", "constitution", object{"rule": "yes == members", "proposed": []string{}, "roles": odd}))
		wantCode(t, err, domain.Malformed)
	}
}

package governance_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"aval/contracts/contracttest"
	"aval/contracts/governance"
	"aval/domain"
	"aval/domain/envelope"
)

const start domain.Millis = 1_700_000_000_000

type object map[string]any

func code(err error) domain.Code {
	var refusal *domain.Rejection
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// key makes the public half of a key that is the same on every run.
func key(t testing.TB, name string) domain.Key {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	s, err := envelope.NewSigner(envelope.EdDSA, bytes.NewReader(seed[:]))
	must(t, err)
	return s.Key
}

// begun is a bench on which "founder" is the first member and "acme" a registered buyer.
func begun(t testing.TB) *contracttest.Bench {
	t.Helper()
	b := contracttest.New(t, governance.Contract)
	must(t, b.Send(start, "", "governance/1", "ledger", "Genesis", genesis(t)))
	must(t, b.Send(start, "founder", "governance/1", "acme", "registerParty",
		object{"party": "acme", "roles": []string{"buyer"}, "keys": []domain.Key{key(t, "acme")}}))
	return b
}

func genesis(t testing.TB) domain.Genesis {
	return domain.Genesis{Ledger: contracttest.Ledger, Party: domain.Party{ID: "founder", Roles: []domain.Role{domain.RoleMember}}, Key: key(t, "founder")}
}

func send(b *contracttest.Bench, sender domain.PartyID, contract, name string, body object) error {
	return b.Send(b.Now(), sender, "governance/1", contract, name, body)
}

func TestRecordsAreTheRegistry(t *testing.T) {
	b := begun(t)
	must(t, send(b, "founder", "probe", "registerDevice", object{"device": "probe", "operator": "acme", "gateway": "gw", "key": key(t, "probe")}))
	must(t, send(b, "founder", "feed", "registerSource", object{"source": "feed", "operator": "acme", "family": "faa", "key": key(t, "feed")}))
	if p, _ := b.Party("acme"); p.ID != "acme" || len(p.Roles) != 1 || p.Roles[0] != domain.RoleBuyer {
		t.Errorf("party %+v", p)
	}
	if d, _ := b.Device("probe"); d != (domain.Device{ID: "probe", Operator: "acme", Gateway: "gw"}) {
		t.Errorf("device %+v", d)
	}
	if s, _ := b.Source("feed"); s != (domain.Source{ID: "feed", Operator: "acme", Family: "faa"}) {
		t.Errorf("source %+v", s)
	}
	for holder, class := range map[string]domain.HolderClass{"founder": "party", "acme": "party", "probe": "device", "feed": "source"} {
		k, found := b.Key(key(t, holder).ID)
		if !found || k.Class != class || k.Holder != holder || k.Since != start || !k.ActiveAt(start) || k.ActiveAt(start-1) {
			t.Errorf("key of %s: %+v", holder, k)
		}
		if got := fmt.Sprint(b.Parties("governance/1", "key/"+k.ID)); holder != "founder" && got != "[acme founder]" {
			t.Errorf("key of %s is seen by %s", holder, got)
		}
	}
}

func TestGenesisHappensOnce(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*domain.Genesis)
		code   domain.Code
	}{
		"good":          {func(*domain.Genesis) {}, ""},
		"other ledger":  {func(g *domain.Genesis) { g.Ledger = "elsewhere.example" }, domain.WrongLedger},
		"no ledger":     {func(g *domain.Genesis) { g.Ledger = "" }, domain.WrongLedger},
		"no member":     {func(g *domain.Genesis) { g.Party.Roles = []domain.Role{domain.RoleBank} }, domain.InvalidTerms},
		"bad name":      {func(g *domain.Genesis) { g.Party.ID = "Founder" }, domain.Malformed},
		"bad key":       {func(g *domain.Genesis) { g.Key.Public[0] ^= 1 }, domain.Malformed},
		"key of others": {func(g *domain.Genesis) { g.Key.Holder = "acme" }, domain.Malformed},
		"key revoked":   {func(g *domain.Genesis) { g.Key.Revoked = 1 }, domain.Malformed},
	} {
		b, g := contracttest.New(t, governance.Contract), genesis(t)
		g.Key.Public = bytes.Clone(g.Key.Public)
		c.change(&g)
		if err := b.Send(start, "", "governance/1", "ledger", "Genesis", g); code(err) != c.code {
			t.Errorf("%s: got %v, want %q", name, err, c.code)
		}
	}
	if err := begun(t).Send(start, "", "governance/1", "ledger", "Genesis", genesis(t)); code(err) != domain.AlreadyExists {
		t.Errorf("again: %v", err)
	}
}

func TestCommandsRefuse(t *testing.T) {
	newKey, oldKey, bad := key(t, "new"), key(t, "acme"), key(t, "bad")
	bad.ID = newKey.ID
	early, mine := key(t, "new"), key(t, "new")
	early.Since, mine.Holder = 1, "founder"
	twice := []domain.Key{newKey, newKey}
	many := make([]domain.Key, governance.MaxKeys+1)
	for i := range many {
		many[i] = key(t, fmt.Sprint("many", i))
	}
	device := func(id, operator, gateway string, k domain.Key) object {
		return object{"device": id, "operator": operator, "gateway": gateway, "key": k}
	}
	source := func(id, operator, family string, k domain.Key) object {
		return object{"source": id, "operator": operator, "family": family, "key": k}
	}
	for name, c := range map[string]struct {
		sender         domain.PartyID
		contract, verb string
		body           object
		code           domain.Code
	}{
		"party by a buyer":          {"acme", "p", "registerParty", object{"party": "p"}, domain.NotPermitted},
		"roles by a buyer":          {"acme", "acme", "setRoles", object{"party": "acme", "roles": []string{"member"}}, domain.NotPermitted},
		"key of others by a buyer":  {"acme", newKey.ID, "registerKey", object{"key": newKey, "class": "party", "holder": "founder"}, domain.NotPermitted},
		"key of nobody by a buyer":  {"acme", newKey.ID, "registerKey", object{"key": newKey, "class": "party", "holder": "p"}, domain.NotPermitted},
		"device by a buyer":         {"acme", "d", "registerDevice", device("d", "acme", "g", newKey), domain.NotPermitted},
		"source by a buyer":         {"acme", "s", "registerSource", source("s", "acme", "f", newKey), domain.NotPermitted},
		"party twice":               {"founder", "acme", "registerParty", object{"party": "acme"}, domain.AlreadyExists},
		"party under another name":  {"founder", "q", "registerParty", object{"party": "p"}, domain.Malformed},
		"party with a bad name":     {"founder", "P", "registerParty", object{"party": "P"}, domain.Malformed},
		"party with an odd role":    {"founder", "p", "registerParty", object{"party": "p", "roles": []string{"king"}}, domain.Malformed},
		"party with a role twice":   {"founder", "p", "registerParty", object{"party": "p", "roles": []string{"bank", "buyer", "bank"}}, domain.Malformed},
		"party with many roles":     {"founder", "p", "registerParty", object{"party": "p", "roles": make([]string, governance.MaxRoles+1)}, domain.LimitExceeded},
		"party with a key twice":    {"founder", "p", "registerParty", object{"party": "p", "keys": twice}, domain.AlreadyExists},
		"party with many keys":      {"founder", "p", "registerParty", object{"party": "p", "keys": many}, domain.LimitExceeded},
		"party with another's key":  {"founder", "p", "registerParty", object{"party": "p", "keys": []domain.Key{oldKey}}, domain.AlreadyExists},
		"party with another field":  {"founder", "p", "registerParty", object{"party": "p", "name": "P"}, domain.Malformed},
		"roles of a stranger":       {"founder", "p", "setRoles", object{"party": "p"}, domain.NotFound},
		"odd roles":                 {"founder", "acme", "setRoles", object{"party": "acme", "roles": []string{""}}, domain.Malformed},
		"last member steps down":    {"founder", "founder", "setRoles", object{"party": "founder", "roles": []string{"bank"}}, domain.WrongState},
		"key twice":                 {"founder", oldKey.ID, "registerKey", object{"key": oldKey, "class": "party", "holder": "acme"}, domain.AlreadyExists},
		"key of another holder":     {"founder", oldKey.ID, "registerKey", object{"key": oldKey, "class": "party", "holder": "founder"}, domain.AlreadyExists},
		"key of a stranger":         {"founder", newKey.ID, "registerKey", object{"key": newKey, "class": "party", "holder": "p"}, domain.NotFound},
		"key of an unknown device":  {"founder", newKey.ID, "registerKey", object{"key": newKey, "class": "device", "holder": "acme"}, domain.NotFound},
		"key of an odd class":       {"founder", newKey.ID, "registerKey", object{"key": newKey, "class": "robot", "holder": "acme"}, domain.Malformed},
		"key with another's name":   {"founder", bad.ID, "registerKey", object{"key": bad, "class": "party", "holder": "acme"}, domain.Malformed},
		"key with its own start":    {"founder", early.ID, "registerKey", object{"key": early, "class": "party", "holder": "acme"}, domain.Malformed},
		"key with its own holder":   {"founder", mine.ID, "registerKey", object{"key": mine, "class": "party", "holder": "acme"}, domain.Malformed},
		"key under another name":    {"founder", "other", "registerKey", object{"key": newKey, "class": "party", "holder": "acme"}, domain.Malformed},
		"revoke a stranger's key":   {"acme", key(t, "founder").ID, "revokeKey", object{"id": key(t, "founder").ID}, domain.NotFound},
		"revoke no key":             {"founder", newKey.ID, "revokeKey", object{"id": newKey.ID}, domain.NotFound},
		"revoke under another name": {"founder", "other", "revokeKey", object{"id": oldKey.ID}, domain.Malformed},
		"revoke the last key":       {"founder", key(t, "founder").ID, "revokeKey", object{"id": key(t, "founder").ID}, domain.WrongState},
		"device of a stranger":      {"founder", "d", "registerDevice", device("d", "p", "g", newKey), domain.NotFound},
		"device without gateway":    {"founder", "d", "registerDevice", device("d", "acme", "", newKey), domain.Malformed},
		"device no topic can hold":  {"founder", "Probe_1", "registerDevice", device("Probe_1", "acme", "g", newKey), domain.Malformed},
		"gateway no topic can hold": {"founder", "d", "registerDevice", device("d", "acme", "gw.7", newKey), domain.Malformed},
		"device under another name": {"founder", "e", "registerDevice", device("d", "acme", "g", newKey), domain.Malformed},
		"device with a used key":    {"founder", "d", "registerDevice", device("d", "acme", "g", oldKey), domain.AlreadyExists},
		"device without key":        {"founder", "d", "registerDevice", object{"device": "d", "operator": "acme", "gateway": "g"}, domain.Malformed},
		"source of a stranger":      {"founder", "s", "registerSource", source("s", "p", "f", newKey), domain.NotFound},
		"source without family":     {"founder", "s", "registerSource", source("s", "acme", "", newKey), domain.Malformed},
		"source with a used key":    {"founder", "s", "registerSource", source("s", "acme", "f", oldKey), domain.AlreadyExists},
		"source under another name": {"founder", "t", "registerSource", source("s", "acme", "f", newKey), domain.Malformed},
	} {
		b := begun(t)
		before := len(b.Events())
		if err := send(b, c.sender, c.contract, c.verb, c.body); code(err) != c.code || len(b.Events()) != before {
			t.Errorf("%s: got %v, want %s", name, err, c.code)
		}
	}
}

func TestInstrumentsAreRegisteredOnce(t *testing.T) {
	b := begun(t)
	for _, k := range []string{"one", "two"} {
		err := send(b, "founder", "d", "registerDevice", object{"device": "d", "operator": "acme", "gateway": "g", "key": key(t, k+"d")})
		again := send(b, "founder", "d", "registerSource", object{"source": "d", "operator": "acme", "family": "f", "key": key(t, k+"s")})
		if want := map[string]domain.Code{"one": "", "two": domain.AlreadyExists}[k]; code(err) != want || code(again) != want {
			t.Errorf("%s: %v, %v", k, err, again)
		}
	}
}

func TestRevocationTakesEffectAtOnceAndForEver(t *testing.T) {
	b := begun(t)
	id := key(t, "acme").ID
	must(t, b.Send(start+500, "acme", "governance/1", id, "revokeKey", object{"id": id}))
	k, _ := b.Key(id)
	if k.Revoked != start+500 || k.ActiveAt(start+500) || !k.ActiveAt(start+499) || b.Status("governance/1", "key/"+id) != governance.Revoked {
		t.Fatalf("key %+v", k)
	}
	if err := send(b, "founder", id, "revokeKey", object{"id": id}); code(err) != domain.WrongState {
		t.Errorf("again: %v", err)
	}
	if err := send(b, "founder", id, "registerKey", object{"key": key(t, "acme"), "class": "party", "holder": "acme"}); code(err) != domain.AlreadyExists {
		t.Errorf("registered again: %v", err)
	}
}

func TestAnOperatorRevokesTheKeysOfItsInstruments(t *testing.T) {
	b := begun(t)
	must(t, send(b, "founder", "probe", "registerDevice", object{"device": "probe", "operator": "acme", "gateway": "gw", "key": key(t, "probe")}))
	next := key(t, "probe 2")
	must(t, send(b, "founder", next.ID, "registerKey", object{"key": next, "class": "device", "holder": "probe"}))
	id := key(t, "probe").ID
	must(t, send(b, "acme", id, "revokeKey", object{"id": id}))
	var h governance.Holder
	if !b.Body("governance/1", "holder/device/probe", &h) || len(h.Keys) != 1 || h.Keys[0] != next.ID || h.Party != "acme" || h.Registrar != "founder" {
		t.Fatalf("holder %+v", h)
	}
}

func TestADeviceMayBeNamedLikeAMember(t *testing.T) {
	b := begun(t)
	k := key(t, "device founder")
	must(t, send(b, "founder", "founder", "registerDevice", object{"device": "founder", "operator": "acme", "gateway": "gw", "key": k}))
	must(t, send(b, "acme", k.ID, "revokeKey", object{"id": k.ID}))
}

func TestSomeMembersCanAlwaysDecide(t *testing.T) {
	b := begun(t)
	first, second := key(t, "founder").ID, key(t, "founder 2")
	revoke := func(id string) error { return send(b, "founder", id, "revokeKey", object{"id": id}) }
	refused := func(err error, what string) {
		t.Helper()
		if code(err) != domain.WrongState {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused(revoke(first), "last key of the only member")
	refused(send(b, "founder", "mute", "registerParty", object{"party": "mute", "roles": []string{"member"}}), "second member without a key")
	must(t, send(b, "founder", second.ID, "registerKey", object{"key": second, "class": "party", "holder": "founder"}))
	must(t, revoke(first))
	refused(revoke(second.ID), "last key again")
	must(t, send(b, "founder", "acme", "setRoles", object{"party": "acme", "roles": []string{"buyer", "member"}}))
	refused(revoke(second.ID), "last key of one of two members")
	refused(propose(b, "acme", "p", roles("founder"), roles("acme")), "nobody left")
	must(t, propose(b, "acme", "q", roles("founder")))
	must(t, ballot(b, "founder", "q", "yes"))
	var r governance.Roster
	if !b.Body("governance/1", "roster/members", &r) || fmt.Sprint(r.Members) != "[acme]" {
		t.Fatalf("roster %v", r.Members)
	}
}

func TestMembersAndKeysAreBounded(t *testing.T) {
	b := begun(t)
	join := []object{}
	for i := 1; i <= governance.MaxMembers; i++ { // the founder is one of them
		join = append(join, registration(t, fmt.Sprint("m", i), "member"))
	}
	// While the founder is alone it may let in as many as it likes at once.
	if err := propose(b, "founder", "many", join[:governance.MaxActions+1]...); code(err) != domain.LimitExceeded {
		t.Errorf("actions: %v", err)
	}
	must(t, propose(b, "founder", "some", join[:governance.MaxActions]...))
	at := governance.MaxActions
	for ; at < governance.MaxMembers-1; at++ {
		id := fmt.Sprint("join", at)
		must(t, propose(b, "founder", id, join[at]))
		for i := 1; b.Status("governance/1", "proposal/"+id) == governance.Open; i++ {
			must(t, ballot(b, member(i), id, governance.Yes))
		}
	}
	if err := propose(b, "founder", "last", join[at]); code(err) != domain.LimitExceeded {
		t.Errorf("member %d: %v", at+1, err)
	}
	for i := 1; i <= governance.MaxKeys; i++ {
		want := domain.Code("")
		if i == governance.MaxKeys { // acme came with one
			want = domain.LimitExceeded
		}
		k := key(t, fmt.Sprint("acme", i))
		if err := send(b, "founder", k.ID, "registerKey", object{"key": k, "class": "party", "holder": "acme"}); code(err) != want {
			t.Fatalf("key %d: %v", i, err)
		}
	}
}

func TestScenarios(t *testing.T) { contracttest.Scenarios(t, "testdata", governance.Contract) }

func examples(t testing.TB) []string {
	text := func(target string, body any) string {
		encoded, err := json.Marshal(body)
		must(t, err)
		return target + " " + string(encoded)
	}
	first, second := genesis(t), key(t, "second")
	first.Ledger, first.Party.ID = contracttest.Ledger, "alice"
	return []string{
		text("Genesis/ledger", first), text("Genesis/ledger", first),
		text("registerParty/bob", object{"party": "bob", "roles": []string{"bank", "member"}, "keys": []domain.Key{key(t, "bob")}}),
		text("setRoles/bob", object{"party": "bob", "roles": []string{"buyer"}}), text("setRoles/alice", object{"party": "alice", "roles": []string{}}),
		text("registerKey/"+second.ID, object{"key": second, "class": "party", "holder": "alice"}),
		text("revokeKey/"+second.ID, object{"id": second.ID}), text("revokeKey/"+first.Key.ID, object{"id": first.Key.ID}),
		text("registerDevice/A", object{"device": "A", "operator": "bob", "gateway": "g", "key": key(t, "A")}),
		text("grant/g1", object{"id": "g1", "viewer": "bob", "scope": "all", "until": 0}),
		text("grant/g2", object{"id": "g2", "viewer": "alice", "scope": "party:bob", "until": start * 2}),
		text("propose/p", object{"id": "p", "expires": start + day, "actions": []object{limits(1), roles("bob", "member"), deed("setConstitution", "constitution", object{"rule": "2 * yes > members", "proposed": []string{}})}}),
		text("vote/p", object{"proposal": "p", "ballot": "yes"}), text("withdraw/p", object{"proposal": "p"}), "Lapse/p", "Opened/opening", "ExpireGrant/bob_g1",
		text("freeze/bob", object{"party": "bob"}), text("unfreeze/bob", object{"party": "bob"}), text("erase/bob", object{"party": "bob"}),
		text("setLimits/limits", object{"commandsPerMinute": 1, "readsPerMinute": 1}), text("beginEpoch/epoch", object{"number": 2}),
		text("setRecovery/recovery", object{"threshold": 1, "members": []object{}}),
		text("setConstitution/constitution", object{"rule": "yes == members", "proposed": []string{"product"}}),
		text("trustMeasurement/measurements", object{"platform": "tdx", "value": fmt.Sprintf("%064x", 1), "release": "v1"}),
		text("distrustMeasurement/measurements", object{"platform": "tdx", "value": fmt.Sprintf("%064x", 1), "until": 0}),
		text("approveProduct/P", object{"kind": "flightdelay/1", "contract": "P"}), text("withdrawApproval/P", object{"kind": "flightdelay/1", "contract": "P"}),
		text("revokeGrant/g1", object{"id": "g1", "viewer": "bob"}),
		text("registerSource/B", object{"source": "B", "operator": "alice", "family": "f", "key": key(t, "B")}),
	}
}

func TestLaws(t *testing.T) { contracttest.Laws(t, governance.Contract, examples(t)...) }

func FuzzApply(f *testing.F) { contracttest.Fuzz(f, governance.Contract, examples(f)...) }

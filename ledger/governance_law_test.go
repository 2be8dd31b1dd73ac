package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"aval/contracts"
	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// council draws commands of governance, of which many are refused, and gives them.
type council struct {
	*ledgertest.Node
	t       *rapid.T
	signers map[string]*envelope.Signer
	// spare are keys that are not registered yet.
	spare     []*envelope.Signer
	proposals []string
	// given are the commands so far, and how far the clock went on before each.
	given []given
	// seen are the records by the number of leaves after which they stood so.
	seen map[uint64]map[string]string
}

type given struct {
	after time.Duration
	raw   []byte
}

var councilParties = []string{"member", "acme", "globex", "bank", "viewer"}

func newCouncil(t *rapid.T, n *ledgertest.Node, w *ledgertest.World) *council {
	c := &council{Node: n, t: t, signers: map[string]*envelope.Signer{"member": w.Member}, seen: map[uint64]map[string]string{}}
	for range 4 {
		c.spare = append(c.spare, ledgertest.NewSigner(w.T))
	}
	c.give("member", "seer", "registerParty", object{"party": "seer", "roles": []string{"auditor"}, "keys": []domain.Key{}})
	c.give("member", "audit", "grant", object{"id": "audit", "viewer": "seer", "scope": "all"})
	delete(c.seen, 4) // before the grant
	return c
}

func (c *council) pick(label string, from []string) string {
	return rapid.SampledFrom(from).Draw(c.t, label)
}

// action draws a command that a member may give or propose.
func (c *council) action() (name, contract string, body object) {
	party := c.pick("party", councilParties)
	roles := rapid.SampledFrom([][]string{{"member"}, {"member", "bank"}, {"buyer"}, {}}).Draw(c.t, "roles")
	spare := c.spare[rapid.IntRange(0, len(c.spare)-1).Draw(c.t, "spare")]
	value := strings.Repeat(c.pick("value", []string{"ab", "cd"}), 32)
	switch name := c.pick("action", []string{"registerParty", "setRoles", "freeze", "unfreeze", "registerKey", "revokeKey", "trustMeasurement",
		"distrustMeasurement", "setLimits", "setConstitution", "grant", "revokeGrant", "approveProduct", "withdrawApproval", "registerDevice", "registerSource", "erase"}); name {
	case "registerParty":
		s := ledgertest.NewSigner(c.World.T)
		if c.signers[party] == nil {
			c.signers[party] = s
		}
		return name, party, object{"party": party, "roles": roles, "keys": []domain.Key{s.Key}}
	case "setRoles":
		return name, party, object{"party": party, "roles": roles}
	case "registerKey":
		return name, spare.Key.ID, object{"key": spare.Key, "class": "party", "holder": party}
	case "revokeKey":
		return name, spare.Key.ID, object{"id": spare.Key.ID}
	case "trustMeasurement":
		return name, "measurements", object{"platform": "tdx", "value": value, "release": "v1"}
	case "distrustMeasurement":
		return name, "measurements", object{"platform": "tdx", "value": value, "until": 0}
	case "setLimits":
		return name, "limits", object{"commandsPerMinute": rapid.IntRange(0, 3).Draw(c.t, "limit"), "readsPerMinute": 0}
	case "setConstitution":
		return name, "constitution", object{"rule": c.pick("rule", []string{"yes == members", "2 * yes > members"}), "proposed": []string{"registerSource"}}
	case "grant":
		until := c.World.Clock.Millis() + domain.Millis(rapid.IntRange(1, 3).Draw(c.t, "hours"))*3_600_000
		return name, "g", object{"id": "g", "viewer": party, "scope": "parties", "until": until}
	case "revokeGrant":
		return name, "g", object{"id": "g", "viewer": party}
	case "approveProduct", "withdrawApproval":
		return name, "delay", object{"kind": "flightdelay/1", "contract": "delay"}
	case "registerDevice":
		return name, "probe", object{"device": "probe", "operator": party, "gateway": "gw", "key": spare.Key}
	case "registerSource":
		return name, "feed", object{"source": "feed", "operator": party, "family": "faa", "key": spare.Key}
	default:
		return name, party, object{"party": party}
	}
}

// step draws one command, or lets time pass.
func (c *council) step(n int) {
	sender := c.pick("sender", slices.Sorted(maps.Keys(c.signers)))
	switch what := rapid.IntRange(0, 9).Draw(c.t, "what"); {
	case what == 0:
		c.World.Clock.Add(2 * time.Hour)
		return
	case what < 4:
		name, contract, body := c.action()
		c.give(sender, contract, name, body)
	case what < 6:
		id := fmt.Sprintf("p%d", n)
		c.proposals = append(c.proposals, id)
		name, contract, body := c.action()
		c.give(sender, id, "propose", object{"id": id, "expires": c.World.Clock.Millis() + 5_400_000,
			"actions": []object{{"name": name, "contract": contract, "body": body}}})
	case len(c.proposals) == 0:
	case what == 6:
		id := c.pick("proposal", c.proposals)
		c.give(sender, id, "withdraw", object{"proposal": id})
	default:
		id := c.proposals[len(c.proposals)-1]
		c.give(sender, id, "vote", object{"proposal": id, "ballot": c.pick("ballot", []string{"yes", "yes", "yes", "no", "veto"})})
	}
}

func (c *council) give(sender, contract, name string, body object) {
	raw := c.World.Command(c.signers[sender], domain.GovernanceKind, contract, name, body)
	at := c.World.Clock.Millis()
	if _, err := c.Submit(context.Background(), ledger.CommandFormat, raw, ledger.ForCommitted); err != nil && !errors.As(err, new(*domain.Rejection)) {
		c.t.Fatal(err)
	}
	c.given = append(c.given, given{time.Duration(at) * time.Millisecond, raw})
	c.seen[c.Size()] = c.records()
}

// records are the open records of governance as the engine has them, in the form of a governance state.
func (c *council) records() map[string]string {
	found := map[string]string{}
	f := ledger.RecordFilter{Kind: domain.GovernanceKind, Limit: 1000}
	page, err := c.Records("seer", f)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, r := range page.Records {
		_, key, _ := r.ID.Split()
		if class, _, _ := strings.Cut(key, "/"); !r.Final && class != "holder" && class != "roster" {
			found[key] = normal(c.t, r.Fields)
		}
	}
	return found
}

// normal is JSON without the order of members.
func normal(t *rapid.T, v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var any any
	if err := json.Unmarshal(text, &any); err != nil {
		t.Fatal(err)
	}
	text, _ = json.Marshal(any)
	return string(text)
}

// derived is a governance state as records.
func derived(t *rapid.T, s ledger.GovernanceState) map[string]string {
	found := map[string]string{}
	put := func(key string, v any) { found[key] = normal(t, v) }
	for _, p := range s.Parties {
		put("party/"+string(p.ID), p)
	}
	for _, k := range s.Keys {
		put("key/"+k.ID, k)
	}
	for _, d := range s.Devices {
		put("device/"+d.ID, d)
	}
	for _, o := range s.Sources {
		put("source/"+o.ID, o)
	}
	for _, a := range s.Products {
		put("approval/"+string(a.Kind)+"/"+a.Contract, a)
	}
	for _, m := range s.Measurements {
		put("measurement/"+m.Platform+"/"+m.Value, m)
	}
	for _, g := range s.Grants {
		put("grant/"+string(g.Viewer)+"/"+g.ID, g)
	}
	for _, r := range s.Proposals {
		_, key, _ := r.ID.Split()
		put(key, r.Fields)
	}
	if s.Constitution.Number > 0 {
		put("constitution/current", s.Constitution)
	}
	if s.Limits != (domain.Limits{}) {
		put("limits/current", s.Limits)
	}
	return found
}

// Whatever a council does: the file that it leaves says at every index what the engine had then, and the
// same commands at the same times lead to the same signed head.
func TestGovernanceFileIsTheEngines(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := ledgertest.NewWorld(t)
		w.Contracts = contracts.Table()
		n, err := w.Start(ledgertest.NewMemory())
		if err != nil {
			r.Fatal(err)
		}
		defer n.Stop()
		c := newCouncil(r, n, w)
		for i := range rapid.IntRange(1, 30).Draw(r, "steps") {
			c.step(i)
		}
		g := &governed{n, t}
		found, err := g.read(g.file())
		if err != nil {
			r.Fatal(err)
		}
		for size, want := range c.seen {
			state, err := found.At(ledger.AtIndex(size - 1))
			if err != nil {
				r.Fatal(err)
			}
			got := derived(r, state)
			if want["limits/current"] == `{"commandsPerMinute":0,"readsPerMinute":0}` {
				delete(want, "limits/current")
			}
			if !maps.Equal(got, want) {
				r.Fatalf("after %d leaves the file says\n%v\nand the engine had\n%v", size, got, want)
			}
		}
		c.again(w)
	})
}

// again gives the same commands at the same times to another node with the same keys.
func (c *council) again(w *ledgertest.World) {
	twin := *w
	twin.Clock = ledgertest.NewClock()
	n, err := twin.Start(ledgertest.NewMemory())
	if err != nil {
		c.t.Fatal(err)
	}
	defer n.Stop()
	for _, g := range c.given {
		twin.Clock.Add(g.after - time.Duration(twin.Clock.Millis())*time.Millisecond)
		if _, err := n.Submit(context.Background(), ledger.CommandFormat, g.raw, ledger.ForCommitted); err != nil && !errors.As(err, new(*domain.Rejection)) {
			c.t.Fatal(err)
		}
	}
	_, one := c.Signed()
	if _, two := n.Signed(); string(one) != string(two) {
		c.t.Fatalf("the same commands led to\n%s\nand to\n%s", one, two)
	}
}

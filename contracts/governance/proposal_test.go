package governance_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"aval/contracts/contracttest"
	"aval/contracts/governance"
	"aval/domain"
	"aval/domain/canon"
)

// founders is a bench with that many members, m0 first, and a buyer "acme".
func founders(t testing.TB, n int) *contracttest.Bench {
	t.Helper()
	b := contracttest.New(t, governance.Contract)
	must(t, b.Send(start, "", "governance/1", "ledger", "Genesis", domain.Genesis{
		Ledger: contracttest.Ledger, Party: domain.Party{ID: "m0", Roles: []domain.Role{domain.RoleMember}}, Key: key(t, "m0")}))
	must(t, send(b, "m0", "acme", "registerParty", object{"party": "acme", "roles": []string{"buyer"}, "keys": []domain.Key{key(t, "acme")}}))
	for i := 1; i < n; i++ {
		id := fmt.Sprint("m", i)
		must(t, propose(b, "m0", "join-"+id, registration(t, id, "member")))
		for j := 1; j < i && b.Status("governance/1", "proposal/join-"+id) == "open"; j++ {
			must(t, ballot(b, member(j), "join-"+id, "yes"))
		}
	}
	return b
}

func member(i int) domain.PartyID { return domain.PartyID(fmt.Sprint("m", i)) }

// deed is an action as it is sent.
func deed(name, contract string, body object) object {
	return object{"name": name, "contract": contract, "body": body}
}

func registration(t testing.TB, id string, roles ...string) object {
	t.Helper()
	return deed("registerParty", id, object{"party": id, "roles": roles, "keys": []domain.Key{key(t, id)}})
}

func roles(id string, roles ...string) object {
	return deed("setRoles", id, object{"party": id, "roles": append([]string{}, roles...)})
}

const day = 24 * 60 * 60 * 1000

func propose(b *contracttest.Bench, by domain.PartyID, id string, actions ...object) error {
	return send(b, by, id, "propose", object{"id": id, "actions": actions, "expires": b.Now() + day})
}

func ballot(b *contracttest.Bench, by domain.PartyID, id, choice string) error {
	return send(b, by, id, "vote", object{"proposal": id, "ballot": choice})
}

func proposal(t testing.TB, b *contracttest.Bench, id string) (p governance.Proposal) {
	t.Helper()
	if !b.Body("governance/1", "proposal/"+id, &p) {
		t.Fatalf("no proposal %s", id)
	}
	if s := b.Status("governance/1", "proposal/"+id); s != p.Status {
		t.Errorf("proposal %s is %s with status %s", id, p.Status, s)
	}
	return p
}

func TestSoloProposalPassesWithItsOwnVoteAndSaysSo(t *testing.T) {
	b := founders(t, 1)
	must(t, propose(b, "m0", "p", deed("setLimits", "limits", object{"commandsPerMinute": 60, "readsPerMinute": 0})))
	if p := proposal(t, b, "p"); p.Status != governance.Accepted || !p.Solo || p.DecidedAt != b.Now() {
		t.Errorf("%+v", p)
	}
	var limits domain.Limits
	if !b.Body("governance/1", "limits/current", &limits) || limits.CommandsPerMinute != 60 {
		t.Errorf("%+v", limits)
	}
}

func TestThreeMembersDecideTogether(t *testing.T) {
	b := founders(t, 3)
	must(t, propose(b, "m0", "p", registration(t, "m3", "member")))
	must(t, ballot(b, "m1", "p", "yes"))
	if got := shown(t, b, "p"); !strings.Contains(got, `"actions":[{"name":"registerParty","contract":"m3","body":{"keys":[{`) {
		t.Errorf("shown as %s", got)
	}
	if _, found := b.Party("m3"); found || proposal(t, b, "p").Status != governance.Open {
		t.Fatal("two of three are not more than two thirds")
	}
	must(t, ballot(b, "m2", "p", "yes"))
	if _, found := b.Party("m3"); !found || proposal(t, b, "p").Status != governance.Accepted || proposal(t, b, "p").Solo {
		t.Fatalf("%+v", proposal(t, b, "p"))
	}
	if got := fmt.Sprint(b.Parties("governance/1", "roster/members")); got != "[m0 m1 m2 m3]" {
		t.Errorf("roster is seen by %s", got)
	}
}

func shown(t testing.TB, b *contracttest.Bench, id string) string {
	t.Helper()
	encoded, err := canon.Marshal(proposal(t, b, id))
	must(t, err)
	value, err := governance.Contract.Show("proposal/"+id, encoded, "m0")
	must(t, err)
	text, err := json.Marshal(value)
	must(t, err)
	return string(text)
}

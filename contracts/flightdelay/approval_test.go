package flightdelay

import (
	"encoding/json"
	"strings"
	"testing"

	"aval/domain"
)

// approvals is a registry in which products need an approval.
type approvals struct {
	everybody
	approved domain.Millis
}

func (a approvals) Approved(kind domain.Kind, contract string, offered domain.Millis) bool {
	c := domain.Constitution{Proposed: []string{domain.ProductsProposed}}
	return kind == Kind && contract == "P" && c.AllowsSale(domain.Approval{Since: a.approved}, offered)
}

func TestAProductIsSoldOnceItIsApproved(t *testing.T) {
	v := frozen{"product/P": product{Insurer: "insurer", Terms: ReferenceTerms("cirium"), OfferedAt: sold - 10}}
	for name, c := range map[string]struct {
		approved domain.Millis
		held     bool
	}{"never": {0, true}, "before the offer": {sold - 11, true}, "with the offer": {sold - 10, false}, "later": {sold - 1, false}} {
		for command, body := range map[string]any{
			"bind": Bind{Product: "P", Leg: theLeg(), Premium: usd(9_90)}, "quote": Quote{Product: "P", Leg: theLeg()},
		} {
			text, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Contract.Apply(v, domain.Input{Now: sold, Sender: "alice", Registry: approvals{approved: c.approved}, Command: domain.Command{
				Kind: Kind, Contract: "PA", Name: command, Body: text,
			}})
			if held := err != nil && strings.Contains(err.Error(), "not approved"); held != c.held {
				t.Errorf("%s, approved %s: %v", command, name, err)
			}
		}
	}
}

package contracts_test

import (
	"testing"

	"aval/contracts"
	"aval/domain"
)

func TestEachKindStandsOnceAndTheEngineFindsItsOwn(t *testing.T) {
	seen := map[domain.Kind]bool{}
	for _, c := range contracts.Table() {
		if err := c.Kind().Check(); err != nil || seen[c.Kind()] {
			t.Errorf("kind %s: twice, or %v", c.Kind(), err)
		}
		seen[c.Kind()] = true
	}
	for _, kind := range []domain.Kind{domain.GovernanceKind, domain.CashKind} {
		if !seen[kind] {
			t.Errorf("%s is missing", kind)
		}
	}
}

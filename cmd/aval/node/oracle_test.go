package node

import (
	"errors"
	"testing"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// What a frozen party's oracle saw is kept aside, and told as a refusal, so that the oracle asks again.
func TestFrozenOracleIsKeptAside(t *testing.T) {
	w := ledgertest.NewWorld(t)
	store := ledgertest.NewMemory()
	n := w.MustStart(store)
	acme := n.Register("acme")
	register := func(r ledgertest.Registration) {
		n.MustSubmit(w.Command(w.Member, domain.GovernanceKind, "registry", "register", r))
	}
	source := ledgertest.NewSigner(t)
	key := source.Key
	key.Class, key.Holder = domain.SourceHolder, "src"
	register(ledgertest.Registration{Source: &domain.Source{ID: "src", Operator: "acme"}, Key: &key})
	money := domain.Money{Minor: 5, Currency: "USD"}
	n.MustSubmit(w.Command(acme, domain.CashKind, "i", "issue", ledgertest.Order{To: "acme", Amount: money}))
	n.MustSubmit(w.Command(acme, domain.CashKind, "s", "hold", ledgertest.Order{Amount: money, At: w.Clock.Millis() + 90_000}))
	saw, err := envelope.SealObservation(source, domain.Observation{
		Ledger: ledgertest.Origin, Kind: domain.CashKind, Subject: "s", Epoch: 1, Sequence: 1, ObservedAt: w.Clock.Millis(),
		Flight: &domain.FlightStatus{Leg: "s", Phase: domain.FlightUnknown, Source: "src", FetchedAt: w.Clock.Millis()},
	})
	if err != nil {
		t.Fatal(err)
	}
	node := &Node{Engine: n.Engine}
	kept := func() (reasons []string) {
		err := store.Messages(func(m ledger.StoredMessage) error {
			reasons = append(reasons, m.Reason)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return reasons
	}
	register(ledgertest.Registration{Party: &domain.Party{ID: "acme", Frozen: 1}})
	var refusal *domain.Rejection
	if err := node.submitObservation(t.Context(), envelope.ObservationType, saw); !errors.As(err, &refusal) || refusal.Code != domain.Frozen {
		t.Errorf("frozen: %v", err)
	}
	if got := kept(); len(got) != 1 || got[0] != "frozen" {
		t.Errorf("kept aside: %v", got)
	}
	register(ledgertest.Registration{Party: &domain.Party{ID: "acme"}})
	if err := node.submitObservation(t.Context(), envelope.ObservationType, saw); err != nil || len(kept()) != 1 {
		t.Errorf("free again: %v, %v", err, kept())
	}
}

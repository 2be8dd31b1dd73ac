package flightdelay

import (
	"testing"

	"aval/domain"
	"aval/domain/canon"
)

// frozen is a View of given records, for states in which the bench cannot be caught: an
// engine with more deadlines due than one batch runs.
type frozen map[string]any

func (f frozen) Get(key string) ([]byte, bool) {
	state, found := f[key]
	if !found {
		return nil, false
	}
	body, err := canon.Marshal(state)
	return body, err == nil
}
func (frozen) Closed(string) bool                                { return false }
func (frozen) Scan(string, string, int) []domain.Record          { return nil }
func (frozen) Available(domain.AccountID, domain.Currency) int64 { return 0 }
func (frozen) Posting(domain.PostingRef) (domain.Posting, bool)  { return domain.Posting{}, false }

func TestOnlyTheEngineSendsDeadlines(t *testing.T) {
	for _, c := range []struct {
		name   string
		sender domain.PartyID
		want   domain.Code
	}{
		{settleName, "alice", domain.NotPermitted}, {reviewName, "alice", domain.NotPermitted}, {expireName, "alice", domain.NotPermitted},
		{domain.Equivocate, "alice", domain.NotPermitted}, {"bind", "", domain.NotPermitted}, {domain.Observe, "", domain.NotPermitted},
	} {
		_, err := Contract.Apply(frozen{}, domain.Input{Sender: c.sender, Command: domain.Command{Kind: Kind, Contract: "X", Name: c.name}})
		wantCode(t, err, c.want)
	}
}

func TestDeadlinesWithoutCauseAreRefused(t *testing.T) {
	for name, want := range map[string]domain.Code{
		expireName: domain.NotFound, reviewName: domain.NotFound, settleName: domain.WrongState, domain.Equivocate: domain.NotEvidence,
	} {
		_, err := Contract.Apply(frozen{}, domain.Input{Command: domain.Command{Kind: Kind, Contract: "X", Name: name}})
		wantCode(t, err, want)
	}
}

// A quote is good before its expiry only, even if the deadline that ends it is late.
func TestQuoteExpiryEdges(t *testing.T) {
	q := quotation{Holder: "alice", Insurer: "insurer", Product: "P", Leg: theLeg(), LegKey: legKey, ExpiresAt: sold}
	v := frozen{"quote/Q": q, "product/P": product{Insurer: "insurer", Terms: ReferenceTerms("cirium")}}
	bind := func(now domain.Millis) error {
		_, err := Contract.Apply(v, domain.Input{Now: now, Sender: "alice", Command: domain.Command{
			Kind: Kind, Contract: "PA", Name: "bind", Body: []byte(`{"quote":"Q"}`),
		}})
		return err
	}
	wantCode(t, bind(sold), domain.TooLate)
	wantCode(t, bind(sold-1), domain.InsufficientFunds) // the view has no money
	_, err := Contract.Apply(v, domain.Input{Now: sold - 1, Command: domain.Command{Kind: Kind, Contract: "Q", Name: expireName}})
	wantCode(t, err, domain.TooEarly)
}

func TestAnyContractIDIsChecked(t *testing.T) {
	for _, id := range []string{"", "a/b", "..", "é"} {
		_, err := Contract.Apply(frozen{}, domain.Input{Sender: "alice", Command: domain.Command{Kind: Kind, Contract: id, Name: "bind"}})
		wantCode(t, err, domain.Malformed)
	}
}

package contracttest

import (
	"errors"
	"testing"

	"aval/domain"
)

// pot is a small honest kind: anyone puts in money, a deadline gives it back.
type pot struct{}

type potState struct {
	From  domain.PartyID `json:"from"`
	Money domain.Money   `json:"money"`
}

func (pot) Kind() domain.Kind { return "pot/1" }

func (p pot) Apply(v domain.View, in domain.Input) (fx domain.Effects, err error) {
	key := "pot/" + in.Command.Contract
	escrow := domain.EscrowAccount("pot/1", key)
	switch in.Command.Name {
	case "put":
		var m domain.Money
		if err := in.Command.DecodeBody(&m); err != nil {
			return fx, err
		}
		if v.Closed(key) {
			return fx, domain.Refuse(domain.AlreadyExists, "pot was emptied")
		}
		w, err := domain.Put(key, potState{in.Sender, m}, "full", in.Sender)
		e, _ := domain.NewEvent("filled", key, m, in.Sender)
		fx.Writes, fx.Events = []domain.Write{w}, []domain.Event{e}
		fx.Postings = []domain.Posting{{Debit: domain.PartyAccount(in.Sender), Credit: escrow, Amount: m, Purpose: "put"}}
		fx.Deadlines = []domain.Deadline{{At: in.Now + 100, Contract: in.Command.Contract, Name: "Empty"}}
		fx.Watches = []domain.Watch{{Subject: in.Command.Contract, Until: in.Now + 50}}
		return fx, err
	case "Empty":
		s, _, err := domain.Load[potState](v, key)
		w, _ := domain.Put(key, s, "empty", s.From)
		w.Final = true
		e, _ := domain.NewEvent("emptied", key, s.Money, s.From)
		fx.Writes, fx.Events = []domain.Write{w}, []domain.Event{e}
		fx.Postings = []domain.Posting{{Debit: escrow, Credit: domain.PartyAccount(s.From), Amount: s.Money, Purpose: "back"}}
		return fx, err
	case domain.Observe, domain.Equivocate:
		e, err := domain.NewEvent(in.Command.Name+" "+in.Evidence[0].Family, key, in.Command.Name)
		fx.Events = []domain.Event{e}
		return fx, err
	}
	return fx, domain.Refuse(domain.UnknownCommand, "no command %.40q", in.Command.Name)
}

func (pot) Show(string, []byte, domain.PartyID) (any, error) { return nil, nil }

func code(err error) domain.Code {
	var refusal *domain.Rejection
	if errors.As(err, &refusal) {
		return refusal.Code
	}
	return ""
}

func TestMoneyGoesInAndComesBackAtTheDeadline(t *testing.T) {
	b := New(t, pot{})
	b.Register("acme")
	b.Fund("acme", domain.Money{Minor: 500, Currency: "EUR"})
	five := domain.Money{Minor: 500, Currency: "EUR"}
	if err := b.Send(1000, "acme", "pot/1", "P", "put", five); err != nil {
		t.Fatal(err)
	}
	if err := b.Send(1000, "acme", "pot/1", "Q", "put", five); code(err) != domain.InsufficientFunds || b.Status("pot/1", "pot/Q") != "" {
		t.Fatalf("second put: %v", err)
	}
	if got := b.Balance("escrow/pot/1/pot/P", "EUR"); got != 500 || b.Balance("party/acme", "EUR") != 0 || b.Balance("issue/bench", "EUR") != -500 {
		t.Fatalf("escrow holds %d", got)
	}
	b.Advance(1099)
	if b.Status("pot/1", "pot/P") != "full" {
		t.Fatal("emptied early")
	}
	b.Advance(1100)
	var s potState
	if b.Status("pot/1", "pot/P") != "empty" || !b.Body("pot/1", "pot/P", &s) || s.From != "acme" || b.Balance("party/acme", "EUR") != 500 {
		t.Fatal("not emptied")
	}
	if err := b.Send(1200, "acme", "pot/1", "P", "put", five); code(err) != domain.AlreadyExists {
		t.Fatal(err)
	}
}

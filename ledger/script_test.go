package ledger_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// step is one signed submission, and how far the clock moves before it.
type step struct {
	what    string
	advance time.Duration
	format  string
	raw     []byte
	// code is the refusal that the first submission gets.
	code domain.Code
}

// story is a script of everything that an engine does: registrations, money, refusals, a
// hold with its watch and deadline, observations, repeats, an equivocation, private values and an erase.
func story(w *ledgertest.World) []step {
	bank, acme, source := ledgertest.NewSigner(w.T), ledgertest.NewSigner(w.T), ledgertest.NewSigner(w.T)
	register := func(r ledgertest.Registration) []byte {
		return w.Command(w.Member, domain.GovernanceKind, "registry", "register", r)
	}
	of := func(s *envelope.Signer, class domain.HolderClass, holder string) *domain.Key {
		key := s.Key
		key.Class, key.Holder = class, holder
		return &key
	}
	till := func(s *envelope.Signer, contract, name string, o ledgertest.Order) []byte {
		return w.Command(s, domain.CashKind, contract, name, o)
	}
	private := func(number string, subject domain.PartyID) []byte {
		return w.PrivateCommand(w.Member, domain.GovernanceKind, "registry", "register",
			ledgertest.Registration{Source: &domain.Source{ID: "about-" + number, Operator: "bank"}}, about(subject, "private "+number, "bank"), about("acme", "more"))
	}
	erased := domain.Party{ID: "rosa", Erased: w.Clock.Millis()}
	release := w.Clock.Millis() + 60_000
	transfer := till(acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(200)})
	first := observe(w, source, "h1", 1, 1)
	steps := []step{
		{what: "register bank", raw: register(ledgertest.Registration{
			Party: &domain.Party{ID: "bank", Roles: []domain.Role{domain.RoleBank}}, Key: of(bank, domain.PartyHolder, "bank"),
		})},
		{what: "register acme", raw: register(ledgertest.Registration{Party: &domain.Party{ID: "acme"}, Key: of(acme, domain.PartyHolder, "acme")})},
		{what: "register source", raw: register(ledgertest.Registration{
			Source: &domain.Source{ID: "src", Operator: "bank"}, Key: of(source, domain.SourceHolder, "src"),
		})},
		{what: "issue", raw: till(bank, "i", "issue", ledgertest.Order{To: "acme", Amount: usd(1000)})},
		{what: "transfer", raw: transfer},
		{what: "transfer again", raw: transfer},
		{what: "overdraft", raw: till(acme, "o", "transfer", ledgertest.Order{To: "bank", Amount: usd(9999)}), code: domain.InsufficientFunds},
		{what: "hold", raw: till(acme, "h1", "hold", ledgertest.Order{Amount: usd(300), At: release})},
		{what: "observe", format: envelope.ObservationType, raw: first},
		{what: "observe again", format: envelope.ObservationType, raw: first},
		{what: "equivocate", format: envelope.ObservationType, raw: observe(w, source, "h1", 1, 1)},
		{what: "hold too", raw: till(acme, "h2", "hold", ledgertest.Order{Amount: usd(50), At: release + 1})},
		{what: "after the deadlines", advance: 2 * time.Minute, raw: till(acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(10)})},
		{what: "observe in vain", format: envelope.ObservationType, raw: observe(w, source, "h1", 1, 2), code: domain.NoWatch},
		{what: "reopen a closed hold", raw: till(acme, "h1", "hold", ledgertest.Order{Amount: usd(1), At: release + 900_000}), code: domain.AlreadyExists},
		{what: "register rosa", raw: register(ledgertest.Registration{Party: &domain.Party{ID: "rosa"}})},
		{what: "private of acme", raw: private("1", "acme")},
		{what: "private of rosa", raw: private("2", "rosa")},
		{what: "private of nobody", raw: private("3", "ghost"), code: domain.UnknownSubject},
		{what: "erase rosa", raw: register(ledgertest.Registration{Party: &erased})},
		{what: "private of rosa, erased", raw: private("4", "rosa"), code: domain.Erased},
	}
	for i := range steps {
		if steps[i].format == "" {
			steps[i].format = ledger.CommandFormat
		}
	}
	return steps
}

var observed atomic.Int64

// observe signs an observation that differs from every other in its fetch time.
func observe(w *ledgertest.World, source *envelope.Signer, subject string, epoch, sequence uint64) []byte {
	w.T.Helper()
	raw, err := envelope.SealObservation(source, domain.Observation{
		Ledger: ledgertest.Origin, Kind: domain.CashKind, Subject: subject, Epoch: epoch, Sequence: sequence,
		ObservedAt: w.Clock.Millis(), Flight: &domain.FlightStatus{Leg: subject, Phase: domain.FlightPending, FetchedAt: domain.Millis(observed.Add(1))},
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return raw
}

// teller drives a story over a store that may fail, and remembers what was answered.
type teller struct {
	w        *ledgertest.World
	inner    ledger.Store
	store    ledger.Store
	node     *ledgertest.Node
	answered map[int]ledger.Reply
	crashes  int
	// reopen gives the store as it is after a crash; nil if it takes no harm.
	reopen func() ledger.Store
	// expected says whether an error is that of the fault; nil expects ErrInjected.
	expected func(error) bool
}

func (t *teller) isFault(err error) bool {
	if t.expected != nil {
		return t.expected(err)
	}
	return errors.Is(err, ledgertest.ErrInjected)
}

// start opens the node, as often as a fault in the opening demands.
func (t *teller) start() {
	t.w.T.Helper()
	for range 3 {
		node, err := t.w.Start(t.store)
		if err == nil {
			t.node = node
			return
		}
		if !t.isFault(err) {
			t.w.T.Fatalf("start: %v", err)
		}
		if node != nil {
			node.Stop()
		}
		t.crash()
	}
	t.w.T.Fatal("the store does not open without its fault")
}

// crash takes the fault away, as a power cut does not repeat itself, and checks the files.
func (t *teller) crash() {
	t.w.T.Helper()
	t.crashes++
	if t.reopen != nil {
		t.inner = t.reopen()
	}
	t.store = t.inner
	t.w.MustVerify(t.inner)
}

// tell submits one step until it is answered.
func (t *teller) tell(i int, s step) {
	t.w.T.Helper()
	t.w.Clock.Add(s.advance)
	for range 3 {
		reply, err := t.node.Submit(context.Background(), s.format, s.raw, ledger.ForReceipt)
		if err == nil {
			if reply.Code != s.code {
				t.w.T.Fatalf("%s: code %q %s, want %q", s.what, reply.Code, reply.Detail, s.code)
			}
			t.answered[i] = reply
			return
		}
		var refusal *domain.Rejection
		if errors.As(err, &refusal) || !errors.Is(err, ledger.ErrClosed) && !t.isFault(err) {
			t.w.T.Fatalf("%s: %v", s.what, err)
		}
		if runErr := t.node.Stop(); errors.Is(err, ledger.ErrClosed) && !t.isFault(runErr) {
			t.w.T.Fatalf("%s: the engine stopped with %v", s.what, runErr)
		}
		t.crash()
		t.start()
	}
	t.w.T.Fatalf("%s: never answered", s.what)
}

// recheck submits everything answered so far again: the answer is the first one, and has no second effect.
func (t *teller) recheck(steps []step) {
	t.w.T.Helper()
	before := t.node.Size()
	var all sync.WaitGroup
	for i, want := range t.answered {
		all.Go(func() { t.recheckOne(steps[i], want) })
	}
	all.Wait()
	if t.node.Size() != before {
		t.w.T.Errorf("repeats added %d leaves", t.node.Size()-before)
	}
}

func (t *teller) recheckOne(s step, want ledger.Reply) {
	again, err := t.node.Submit(context.Background(), s.format, s.raw, ledger.ForReceipt)
	if err != nil || !again.Duplicate || again.Index != want.Index || again.Code != want.Code || again.BookedAt != want.BookedAt {
		t.w.T.Errorf("%s: answered again with %+v, %v, want %+v", s.what, again, err, want)
	}
	for _, receipt := range []string{want.Receipt, again.Receipt} {
		if _, err := ledger.OpenReceipt(t.node.Policy(), []byte(receipt)); err != nil {
			t.w.T.Errorf("%s: %v", s.what, err)
		}
	}
}

func balances(t testing.TB, n *ledgertest.Node, parties ...domain.PartyID) map[domain.AccountID]int64 {
	t.Helper()
	all := map[domain.AccountID]int64{}
	for _, party := range parties {
		accounts, err := n.Accounts(party)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range accounts {
			all[a.Account] = a.Balance.Minor
		}
	}
	for currency, sum := range n.Sums() {
		if sum != 0 {
			t.Fatalf("%s sums to %d", currency, sum)
		}
	}
	return all
}

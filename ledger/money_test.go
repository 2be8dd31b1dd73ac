package ledger_test

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// purse is money that a hold keeps from its owner until a time.
type purse struct {
	owner  domain.PartyID
	amount int64
	due    domain.Millis
	ended  bool
}

// books is how a child would keep the ledger: one balance per account, nothing else.
type books struct {
	balance map[domain.AccountID]int64
	holds   map[string]*purse
	entries int
}

func (b *books) move(from, to domain.AccountID, amount int64) {
	b.balance[from] -= amount
	b.balance[to] += amount
	maps.DeleteFunc(b.balance, func(_ domain.AccountID, minor int64) bool { return minor == 0 })
}

func escrow(hold string) domain.AccountID { return domain.EscrowAccount(domain.CashKind, "hold/"+hold) }

func (b *books) release(hold string) {
	p := b.holds[hold]
	b.move(escrow(hold), domain.PartyAccount(p.owner), p.amount)
	p.ended = true
}

// releaseDue gives back what is due. The order among holds changes no balance.
func (b *books) releaseDue(now domain.Millis) {
	for hold, p := range b.holds { //tidy:ordered sums only
		if !p.ended && p.due <= now {
			b.release(hold)
			b.entries++
		}
	}
}

// act is one random command with its effect on the books.
type act struct {
	item   ledger.Item
	effect func(*books)
}

type moneyMachine struct {
	t       *testing.T
	h       *hand
	parties []domain.PartyID
	signers map[domain.PartyID]*envelope.Signer
	books   books
	past    []ledger.Item
	holds   int
}

func newMoneyMachine(t *testing.T) *moneyMachine {
	m := &moneyMachine{
		t: t, h: newHand(t), parties: []domain.PartyID{"acme", "bank", "carol"},
		books: books{balance: map[domain.AccountID]int64{"party/acme": 1000, "issue/bank": -1000}, holds: map[string]*purse{}},
	}
	carol, auditor := ledgertest.NewSigner(t), ledgertest.NewSigner(t)
	m.signers = map[domain.PartyID]*envelope.Signer{"acme": m.h.acme, "bank": m.h.bank, "carol": carol}
	key := auditor.Key
	key.Class, key.Holder = domain.PartyHolder, "auditor"
	raw := m.h.w.Command(m.h.w.Member, domain.GovernanceKind, "registry", "register",
		ledgertest.Registration{Party: &domain.Party{ID: "auditor", Roles: []domain.Role{domain.RoleAuditor}}, Key: &key, Grant: ledgertest.Everything("auditor")})
	m.h.cut(t, 1, m.h.register("carol", carol.Key), ledger.Item{Format: ledger.CommandFormat, Raw: raw})
	m.books.entries = 1 + 3 + 2
	return m
}

func (m *moneyMachine) act(r *rapid.T, now domain.Millis) act {
	from, to := rapid.SampledFrom(m.parties).Draw(r, "from"), rapid.SampledFrom(m.parties).Draw(r, "to")
	amount := rapid.Int64Range(1, 700).Draw(r, "amount")
	mine := domain.PartyAccount(from)
	switch rapid.SampledFrom([]string{"transfer", "transfer", "hold", "close", "issue", "again"}).Draw(r, "what") {
	case "again":
		if len(m.past) > 0 {
			return act{rapid.SampledFrom(m.past).Draw(r, "past"), func(b *books) { b.entries-- }}
		}
		fallthrough
	case "issue":
		return act{m.h.till(m.h.bank, "i", "issue", ledgertest.Order{To: to, Amount: usd(amount)}), func(b *books) {
			b.move("issue/bank", domain.PartyAccount(to), amount)
		}}
	case "hold":
		due, name := now+domain.Millis(rapid.IntRange(-5, 400).Draw(r, "due")), fmt.Sprintf("h%d", m.holds)
		m.holds++
		return act{m.h.till(m.signers[from], name, "hold", ledgertest.Order{Amount: usd(amount), At: due}), func(b *books) {
			if b.balance[mine] >= amount {
				b.move(mine, escrow(name), amount)
				b.holds[name] = &purse{owner: from, amount: amount, due: due}
			}
		}}
	case "close":
		name := fmt.Sprintf("h%d", rapid.IntRange(0, m.holds).Draw(r, "hold"))
		return act{m.h.till(m.signers[from], name, "close", ledgertest.Order{}), func(b *books) {
			if p := b.holds[name]; p != nil && !p.ended {
				b.release(name)
			}
		}}
	}
	return act{m.h.till(m.signers[from], "t", "transfer", ledgertest.Order{To: to, Amount: usd(amount)}), func(b *books) {
		if from != to && b.balance[mine] >= amount { // a posting from an account to itself is refused
			b.move(mine, domain.PartyAccount(to), amount)
		}
	}}
}

// batch commits a few random commands, some time later.
func (m *moneyMachine) batch(r *rapid.T) {
	later := domain.Millis(rapid.SampledFrom([]int{1, 1, 50, 300}).Draw(r, "later"))
	now := max(m.h.last.Now, m.h.w.Clock.Millis()) + later
	m.books.releaseDue(now)
	var items []ledger.Item
	for range rapid.IntRange(0, 6).Draw(r, "commands") {
		a := m.act(r, now)
		m.books.entries++
		a.effect(&m.books)
		items = append(items, a.item)
		m.past = append(m.past, a.item)
	}
	m.h.cut(m.t, later, items...)
}

func (m *moneyMachine) restart(*rapid.T) {
	m.h.closed = true
	next := openHand(m.t, m.h.w, m.h.store)
	next.bank, next.acme = m.h.bank, m.h.acme
	next.last.Sequence += 100 // a restart may leave a gap
	m.h = next
}

// check compares every account with the books.
func (m *moneyMachine) check(r *rapid.T) {
	accounts, err := m.h.Accounts("auditor")
	if err != nil {
		r.Fatal(err)
	}
	got, held := map[domain.AccountID]int64{}, map[domain.PartyID]int64{}
	for _, a := range accounts {
		if a.Balance.Minor != 0 {
			got[a.Account] = a.Balance.Minor
		}
		if a.Held != nil && a.Held.Minor != 0 {
			held[a.Owner] = a.Held.Minor
		}
	}
	if !maps.Equal(got, m.books.balance) {
		r.Fatalf("the ledger has %v, the books %v", got, m.books.balance)
	}
	want := map[domain.PartyID]int64{}
	for _, p := range m.books.holds {
		if !p.ended && p.amount > 0 {
			want[p.owner] += p.amount
		}
	}
	if !maps.Equal(held, want) {
		r.Fatalf("the ledger holds for %v, the books %v", held, want)
	}
	for currency, sum := range m.h.Sums() {
		if sum != 0 {
			r.Fatalf("%s sums to %d", currency, sum)
		}
	}
}

func TestMoneyLaws(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := newMoneyMachine(t)
		r.Repeat(map[string]func(*rapid.T){
			"batch": m.batch, "another": m.batch, "and another": m.batch, "restart": m.restart, "": m.check,
		})
		m.h.closed = true
		if report := m.h.w.MustVerify(m.h.store); report.Entries != uint64(m.books.entries) {
			r.Fatalf("%d entries, the books count %d", report.Entries, m.books.entries)
		}
	})
}

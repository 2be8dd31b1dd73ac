package ledger_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// granting is a ledger on which acme holds money and a record, and "seer" was registered with
// role auditor and granted nothing.
type granting struct {
	*ledgertest.Node
	t    *testing.T
	hold domain.RecordID
	at   uint64
}

func openGranting(t *testing.T, store ledger.Store) *granting {
	t.Helper()
	w := ledgertest.NewWorld(t)
	n := w.MustStart(store)
	bank, acme := n.Register("bank", domain.RoleBank), n.Register("acme")
	n.Register("seer")
	g := &granting{Node: n, t: t}
	g.register(ledgertest.Registration{Party: &domain.Party{ID: "seer", Roles: []domain.Role{domain.RoleAuditor}}})
	n.MustSubmit(w.Command(bank, domain.CashKind, "i", "issue", ledgertest.Order{To: "acme", Amount: usd(500)}))
	g.at = n.MustSubmit(w.Command(acme, domain.CashKind, "h1", "hold", ledgertest.Order{Amount: usd(50), At: w.Clock.Millis() + 900_000})).Index
	g.hold = "cash:1:hold:h1"
	return g
}

func (g *granting) register(r ledgertest.Registration) {
	g.t.Helper()
	g.MustSubmit(g.World.Command(g.World.Member, domain.GovernanceKind, "registry", "register", r))
}

func (g *granting) grant(granter domain.PartyID, scope string, since, until domain.Millis) {
	g.t.Helper()
	g.register(ledgertest.Registration{Grant: &domain.Grant{ID: "1", Granter: granter, Viewer: "seer", Scope: scope, Since: since, Until: until}})
}

// seen says which readers show the seer something that is acme's, in its own name.
func (g *granting) seen() (readers []string) {
	g.t.Helper()
	count := map[string]int{}
	_, err := g.Record("seer", g.hold)
	count["record"] = one(err == nil)
	_, err = g.RecordAt("seer", g.hold, ledger.AtIndex(g.at))
	count["past record"] = one(err == nil)
	records, err := g.Records("seer", ledger.RecordFilter{Kind: domain.CashKind})
	must(g.t, err)
	count["records"] = len(records.Records)
	page, err := g.Feed("seer", ledger.FeedFilter{From: g.at})
	must(g.t, err)
	for _, e := range page.Entries {
		count["feed"] += one(e.Index == g.at)
	}
	_, err = g.Feed("seer", ledger.FeedFilter{Record: g.hold})
	count["record's feed"] = one(err == nil)
	_, err = g.Feed("seer", ledger.FeedFilter{Account: "party/acme"})
	count["account's feed"] = one(err == nil)
	_, err = g.Receipt(context.Background(), "seer", g.at)
	count["receipt"] = one(err == nil)
	accounts, err := g.Accounts("seer")
	must(g.t, err)
	count["accounts"] = len(accounts)
	_, err = g.Balance("seer", "party/acme", ledger.Moment{})
	count["balance"] = one(err == nil)
	_, err = g.Statement("seer", ledger.StatementFilter{Account: "party/acme"})
	count["statement"] = one(err == nil)
	trial, err := g.TrialBalance("seer", ledger.TrialFilter{})
	must(g.t, err)
	count["trial balance"] = len(trial.Rows)
	for name, n := range count {
		if n > 0 {
			readers = append(readers, name)
		}
	}
	return readers
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// Every reader shows an auditor everything while governance grants it and the party has the
// role, and nothing before, after, or without either.
func TestAuditorSeesWhatIsGranted(t *testing.T) {
	g := openGranting(t, ledgertest.NewMemory())
	now := g.World.Clock.Millis()
	const all = 11
	step := func(what string, want int) {
		t.Helper()
		if seen := g.seen(); len(seen) != want {
			t.Errorf("%s: %d readers show something (%v), want %d", what, len(seen), seen, want)
		}
	}
	step("the role alone", 0)
	g.grant("member", domain.ScopeAll, 0, 0)
	step("a grant of all", all)
	g.grant("member", domain.ScopeAll, now+3_600_000, 0)
	step("a grant to come", 0)
	g.grant("member", domain.ScopeAll, 0, 1)
	step("a grant that has ended", 0)
	g.grant("acme", domain.PartyScope("acme"), 0, 0)
	step("a grant of acme, read in its own name", 0)
	g.grant("member", domain.ScopeParties, 0, 0)
	step("a grant of the parties", 0)
	g.grant("member", domain.ScopeAll, 0, 0)
	g.register(ledgertest.Registration{Party: &domain.Party{ID: "seer"}})
	step("a grant of all without the role", 0)
	for _, p := range []domain.Party{{Frozen: 1}, {Erased: 1}} {
		p.ID, p.Roles = "seer", []domain.Role{domain.RoleAuditor}
		g.register(ledgertest.Registration{Party: &p})
		step("an auditor who is frozen or erased", 0)
	}
}

// A reader in another's name needs a grant that covers just that.
func TestReadingAsAnother(t *testing.T) {
	g := openGranting(t, ledgertest.NewMemory())
	hold, other := string(g.hold), "cash:1:hold:h2"
	for _, c := range []struct {
		granter       domain.PartyID
		scope, target string
		as            domain.PartyID
		want          bool
	}{
		{"member", domain.ScopeAll, "", "acme", true},
		{"acme", "party:acme", "", "acme", true},
		{"acme", "party:acme", hold, "acme", true},
		{"acme", "party:acme", "", "bank", false},
		{"acme", "party:acme", "", "nobody", false},
		{"acme", hold, hold, "acme", true},
		{"acme", hold, other, "acme", false},
		{"acme", hold, "", "acme", false},
		{"bank", hold, hold, "acme", false},
		{"acme", "party/acme", "party/acme", "acme", true},
		{"acme", "party/acme", "party/bank", "acme", false},
		{"member", domain.ScopeParties, "", "acme", false},
		{"acme", "party:acme", "", "", false},
	} {
		g.grant(c.granter, c.scope, 0, 0)
		if _, err := g.As("seer", c.as, c.target); (err == nil) != c.want {
			t.Errorf("%s grants %s; reading %q as %q: %v", c.granter, c.scope, c.target, c.as, err)
		}
		if _, err := g.As("bank", "acme", c.target); err == nil {
			t.Errorf("%s: bank reads as acme by a grant to another", c.scope)
		}
	}
}

// Which parties there are is shown to who was granted that, and nothing more of theirs.
func TestListOfPartiesIsGranted(t *testing.T) {
	g := openGranting(t, ledgertest.NewMemory())
	list := func() (names string) {
		page, err := g.Records("seer", ledger.RecordFilter{Kind: domain.GovernanceKind})
		must(t, err)
		for _, r := range page.Records {
			names += string(r.ID) + " "
		}
		return names
	}
	if got := list(); got != "" {
		t.Errorf("without a grant: %s", got)
	}
	g.grant("member", domain.ScopeParties, 0, 0)
	page, err := g.Records("seer", ledger.RecordFilter{Kind: domain.GovernanceKind})
	must(t, err)
	for _, r := range page.Records {
		if _, key, _ := r.ID.Split(); len(key) < 6 || key[:6] != "party/" {
			t.Errorf("shows %s", r.ID)
		}
	}
	if len(page.Records) != 4 {
		t.Errorf("%d parties, want 4: %s", len(page.Records), list())
	}
	if seen := g.seen(); len(seen) != 0 {
		t.Errorf("the list of parties shows %v", seen)
	}
}

// counted is a store that counts what is read of it.
type counted struct {
	ledger.Store
	reads atomic.Int64
}

func (c *counted) Slots(q ledger.SlotQuery, visit func(ledger.StoredSlot) error) error {
	c.reads.Add(1)
	return c.Store.Slots(q, visit)
}

func (c *counted) Entries(from uint64, limit int, visit func(ledger.StoredEntry) error) error {
	c.reads.Add(1)
	return c.Store.Entries(from, limit, visit)
}

func (c *counted) Refs(tag []byte, from uint64, limit int) ([]uint64, error) {
	c.reads.Add(1)
	return c.Store.Refs(tag, from, limit)
}

func (c *counted) Find(tags [][]byte) (map[string]ledger.StoredID, error) {
	c.reads.Add(1)
	return c.Store.Find(tags)
}

// What is another's costs as many reads of the store as what is not there, and reads the same.
func TestNotYoursIsNotThere(t *testing.T) {
	store := &counted{Store: ledgertest.NewMemory()}
	g := openGranting(t, store)
	g.Register("umbrel")
	acme := g.Register("acme")
	id := g.MustSubmit(g.World.Command(acme, domain.CashKind, "h3", "hold", ledgertest.Order{Amount: usd(1), At: g.World.Clock.Millis() + 900_000})).ID
	g.MustSubmit(g.World.Command(acme, domain.CashKind, "h3", "close", ledgertest.Order{}))
	cost := func(read func() error) string {
		before := store.reads.Load()
		return fmt.Sprint(read(), " ", store.reads.Load()-before)
	}
	record := func(id domain.RecordID) func() error {
		return func() error { _, err := g.Record("umbrel", id); return err }
	}
	past := func(id domain.RecordID) func() error {
		return func() error { _, err := g.RecordAt("umbrel", id, ledger.AtIndex(3)); return err }
	}
	feed := func(f ledger.FeedFilter) func() error {
		return func() error { _, err := g.Feed("umbrel", f); return err }
	}
	balance := func(a domain.AccountID) func() error {
		return func() error { _, err := g.Balance("umbrel", a, ledger.Moment{}); return err }
	}
	statement := func(a domain.AccountID) func() error {
		return func() error { _, err := g.Statement("umbrel", ledger.StatementFilter{Account: a}); return err }
	}
	status := func(id string) func() error {
		return func() error { _, err := g.Status("umbrel", id); return err }
	}
	as := func(p domain.PartyID) func() error {
		return func() error { _, err := g.As("umbrel", p, ""); return err }
	}
	for what, pair := range map[string][2]func() error{
		"open record":     {record("cash:1:hold:h1"), record("cash:1:hold:h9")},
		"closed record":   {record("cash:1:hold:h3"), record("cash:1:hold:h9")},
		"past record":     {past("cash:1:hold:h1"), past("cash:1:hold:h9")},
		"record's feed":   {feed(ledger.FeedFilter{Record: "cash:1:hold:h1"}), feed(ledger.FeedFilter{Record: "cash:1:hold:h9"})},
		"account's feed":  {feed(ledger.FeedFilter{Account: "party/acme"}), feed(ledger.FeedFilter{Account: "party/nobody"})},
		"balance":         {balance("party/acme"), balance("party/nobody")},
		"escrow":          {balance("escrow/cash/1/hold/h1"), balance("escrow/cash/1/hold/h9")},
		"statement":       {statement("party/acme"), statement("party/nobody")},
		"command":         {status(id), status("01ARZ3NDEKTSV4RRFFQ69G5FAV")},
		"another's sight": {as("acme"), as("nobody")},
	} {
		if theirs, nothing := cost(pair[0]), cost(pair[1]); theirs != nothing {
			t.Errorf("%s: %s for another's, %s for what is not there", what, theirs, nothing)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

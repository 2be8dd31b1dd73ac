package ledger_test

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/ledgertest"
)

// busy is a hand with an auditor whose log holds issues in two currencies, transfers, pairs, a
// hold that ran out, one that is open, and refusals, a minute apart.
func busy(t *testing.T) *hand {
	t.Helper()
	h := newHand(t)
	carol, auditor := ledgertest.NewSigner(t), ledgertest.NewSigner(t)
	key := auditor.Key
	key.Class, key.Holder = domain.PartyHolder, "auditor"
	raw := h.w.Command(h.w.Member, domain.GovernanceKind, "registry", "register", ledgertest.Registration{
		Party: &domain.Party{ID: "auditor", Roles: []domain.Role{domain.RoleAuditor}}, Key: &key, Grant: ledgertest.Everything("auditor"),
	})
	eur := func(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: "EUR"} }
	const minute = 60_000
	h.cut(t, minute, ledger.Item{Format: ledger.CommandFormat, Raw: raw}, h.register("carol", carol.Key))
	h.cut(t, minute, h.till(h.bank, "i", "issue", ledgertest.Order{To: "acme", Amount: eur(500)}),
		h.till(h.acme, "t", "transfer", ledgertest.Order{To: "carol", Amount: eur(120)}))
	h.cut(t, minute, h.till(h.acme, "p", "pair", ledgertest.Order{To: "bank", Amount: usd(7)}))
	for i := range 6 {
		h.cut(t, minute, h.till(h.acme, "t", "transfer", ledgertest.Order{To: "carol", Amount: usd(int64(i + 1))}),
			h.till(carol, "t", "transfer", ledgertest.Order{To: "acme", Amount: eur(20)}),
			h.till(carol, "o", "transfer", ledgertest.Order{To: "acme", Amount: usd(9999)}))
	}
	h.cut(t, minute, h.till(h.acme, "h1", "hold", ledgertest.Order{Amount: usd(300), At: h.last.Now + 2*minute}))
	h.cut(t, 2*minute, h.till(carol, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}))
	h.cut(t, minute, h.till(h.acme, "h2", "hold", ledgertest.Order{Amount: usd(50), At: h.last.Now + 900*minute}))
	h.cut(t, minute, h.register("dora", ledgertest.NewSigner(t).Key))
	return h
}

// posted is one posting as the auditor's feed shows it.
type posted struct {
	index uint64
	at    domain.Millis
	ledger.PostingView
}

// journal is every posting of the log.
func journal(t testing.TB, n *ledger.Engine) []posted {
	t.Helper()
	var all []posted
	for from := uint64(0); ; {
		page, err := n.Feed("auditor", ledger.FeedFilter{From: from})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			for _, p := range e.Postings {
				all = append(all, posted{e.Index, e.BookedAt, p})
			}
		}
		if page.Next == nil {
			return all
		}
		from = *page.Next
	}
}

// balancesBefore adds up an account from the beginning.
func balancesBefore(all []posted, account domain.AccountID, index uint64) map[domain.Currency]int64 {
	sums := map[domain.Currency]int64{}
	for _, p := range all {
		if p.index >= index {
			break
		}
		if p.Debit == account {
			sums[p.Amount.Currency] -= p.Amount.Minor
		}
		if p.Credit == account {
			sums[p.Amount.Currency] += p.Amount.Minor
		}
	}
	maps.DeleteFunc(sums, func(_ domain.Currency, minor int64) bool { return minor == 0 })
	return sums
}

func byCurrency(all []domain.Money) map[domain.Currency]int64 {
	sums := map[domain.Currency]int64{}
	for _, m := range all {
		if m.Minor != 0 {
			sums[m.Currency] = m.Minor
		}
	}
	return sums
}

// readStatement reads all pages. On each, opening and lines make the closing, which opens the next.
func readStatement(t interface {
	Helper()
	Fatalf(string, ...any)
}, e *ledger.Engine, viewer domain.PartyID, f ledger.StatementFilter) (whole ledger.Statement) {
	t.Helper()
	for pages := 0; ; pages++ {
		page, err := e.Statement(viewer, f)
		if err != nil || pages > 500 {
			t.Fatalf("page %d: %v", pages, err)
		}
		running := byCurrency(page.Opening)
		for _, line := range page.Lines {
			running[line.Amount.Currency] += map[ledger.Side]int64{ledger.CreditSide: 1, ledger.DebitSide: -1}[line.Side] * line.Amount.Minor
			if line.Balance.Minor != running[line.Amount.Currency] || line.Balance.Currency != line.Amount.Currency {
				t.Fatalf("line %d/%d: balance %v, want %d", line.Index, line.Number, line.Balance, running[line.Amount.Currency])
			}
		}
		maps.DeleteFunc(running, func(_ domain.Currency, minor int64) bool { return minor == 0 })
		if !maps.Equal(running, byCurrency(page.Closing)) {
			t.Fatalf("opening and lines make %v, closing %v", running, page.Closing)
		}
		if pages == 0 {
			whole = page
		} else {
			if !maps.Equal(byCurrency(whole.Closing), byCurrency(page.Opening)) || whole.From != page.From || whole.To != page.To {
				t.Fatalf("page %d does not follow: %v after %v", pages, page.Opening, whole.Closing)
			}
			whole.Lines, whole.Closing = append(whole.Lines, page.Lines...), page.Closing
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return whole
		}
	}
}

func TestStatement(t *testing.T) {
	h := busy(t)
	defer h.close(t)
	s := readStatement(t, h.Engine, "acme", ledger.StatementFilter{Account: "party/acme"})
	var got []string
	for _, l := range s.Lines {
		got = append(got, fmt.Sprintf("%s %d %s %s %s %d", l.Side, l.Amount.Minor, l.Amount.Currency, l.Counter, l.Purpose, l.Balance.Minor))
	}
	want := []string{
		"credit 1000 USD issue/bank issue 1000", "credit 500 EUR issue/bank issue 500", "debit 120 EUR party/carol transfer 380",
		"debit 7 USD escrow/cash/1/hold/p pair 993", "debit 7 USD party/bank pair 986",
		"debit 1 USD party/carol transfer 985", "credit 20 EUR party/carol transfer 400",
		"debit 2 USD party/carol transfer 983", "credit 20 EUR party/carol transfer 420",
		"debit 3 USD party/carol transfer 980", "credit 20 EUR party/carol transfer 440",
		"debit 4 USD party/carol transfer 976", "credit 20 EUR party/carol transfer 460",
		"debit 5 USD party/carol transfer 971", "credit 20 EUR party/carol transfer 480",
		"debit 6 USD party/carol transfer 965", "credit 20 EUR party/carol transfer 500",
		"debit 300 USD escrow/cash/1/hold/h1 hold 665", "credit 300 USD escrow/cash/1/hold/h1 Release 965",
		"debit 50 USD escrow/cash/1/hold/h2 hold 915",
	}
	if !slices.Equal(got, want) {
		t.Errorf("lines:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if closing := byCurrency(s.Closing); len(s.Opening) != 2 || closing["USD"] != 915 || closing["EUR"] != 500 {
		t.Errorf("opening %v, closing %v", s.Opening, s.Closing)
	}
	pair := s.Lines[4]
	if pair.Number != 1 || pair.ValueDate != domain.Day(pair.BookedAt-86_400_000) || pair.Cause.Record != "cash:1:hold:p" || pair.Command == "" {
		t.Errorf("the second of a pair: %+v", pair)
	}
	if got := s.Lines[1]; got.Command != "" {
		t.Errorf("the bank's command is shown to acme: %+v", got)
	}
}

// A statement of any period, in pages of any size, is what the journal says, for its owner and for an auditor.
func TestStatementLaws(t *testing.T) {
	h := busy(t)
	defer h.close(t)
	all := journal(t, h.Engine)
	accounts := []domain.AccountID{"party/acme", "party/carol", "party/bank", "issue/bank", "party/dora", escrow("h1"), escrow("h2"), escrow("p"), escrow("none")}
	rapid.Check(t, func(r *rapid.T) {
		f := ledger.StatementFilter{
			Account: rapid.SampledFrom(accounts).Draw(r, "account"), Limit: rapid.IntRange(1, 12).Draw(r, "limit"),
			Currency: rapid.SampledFrom([]domain.Currency{"", "USD", "EUR", "GBP"}).Draw(r, "currency"),
		}
		from := rapid.Uint64Range(0, h.Size()).Draw(r, "from")
		to := rapid.Uint64Range(from, h.Size()+3).Draw(r, "to")
		f.From, f.To = ledger.AtIndex(from), ledger.AtIndex(to)
		if rapid.Bool().Draw(r, "by time") {
			at := func(i uint64) domain.Millis {
				for _, p := range all {
					if p.index >= i {
						return p.at
					}
				}
				return h.last.Now + 1
			}
			f.From, f.To = ledger.AtInstant(at(from)), ledger.AtInstant(at(to))
			first := func(m domain.Millis) uint64 {
				i, _ := slices.BinarySearchFunc(all, m, func(p posted, m domain.Millis) int { return cmp.Compare(p.at, m) })
				if i == len(all) {
					return h.Size()
				}
				return all[i].index
			}
			from, to = first(at(from)), first(at(to))
		}
		viewer := f.Account.Owner()
		if viewer == "" || rapid.Bool().Draw(r, "auditor") {
			viewer = "auditor"
		}
		s := readStatement(r, h.Engine, viewer, f)
		keep := func(sums map[domain.Currency]int64) map[domain.Currency]int64 {
			maps.DeleteFunc(sums, func(c domain.Currency, _ int64) bool { return f.Currency != "" && c != f.Currency })
			return sums
		}
		if want := keep(balancesBefore(all, f.Account, from)); !maps.Equal(byCurrency(s.Opening), want) {
			r.Fatalf("opening %v, want %v", s.Opening, want)
		}
		if want := keep(balancesBefore(all, f.Account, to)); !maps.Equal(byCurrency(s.Closing), want) {
			r.Fatalf("closing %v, want %v", s.Closing, want)
		}
		i := 0
		for _, p := range all {
			if p.index < from || p.index >= to || p.Debit != f.Account && p.Credit != f.Account || f.Currency != "" && p.Amount.Currency != f.Currency {
				continue
			}
			if i >= len(s.Lines) || s.Lines[i].Index != p.index || s.Lines[i].Number != p.Number || s.Lines[i].Amount != p.Amount {
				r.Fatalf("line %d of %+v is not the journal's %+v", i, s.Lines, p)
			}
			i++
		}
		if i != len(s.Lines) {
			r.Fatalf("%d lines, want %d", len(s.Lines), i)
		}
	})
}

// A cursor keeps its period while the log grows.
func TestStatementCursorIsStable(t *testing.T) {
	h := busy(t)
	defer h.close(t)
	f := ledger.StatementFilter{Account: "party/acme", Limit: 3}
	before := readStatement(t, h.Engine, "acme", f)
	first, err := h.Statement("acme", f)
	if err != nil || first.Next == "" {
		t.Fatal(first, err)
	}
	h.cut(t, 1, h.till(h.acme, "t", "transfer", ledgertest.Order{To: "bank", Amount: usd(1)}))
	f.Cursor = first.Next
	rest := readStatement(t, h.Engine, "acme", f)
	if got := len(first.Lines) + len(rest.Lines); got != len(before.Lines) || rest.To != before.To {
		t.Errorf("%d lines up to %d, want %d up to %d", got, rest.To, len(before.Lines), before.To)
	}
	for _, cursor := range []string{"x", "0.0", "0.0.0.0", "1.0.2", "0.3.2", "00.0.0", "0.0.99999", "-1.0.0", "0.0." + strings.Repeat("9", 30)} {
		_, err := h.Statement("acme", ledger.StatementFilter{Account: "party/acme", Cursor: cursor})
		wantCode(t, err, domain.Malformed)
	}
}

func TestStatementRefusals(t *testing.T) {
	h := busy(t)
	defer h.close(t)
	for name, c := range map[string]struct {
		viewer domain.PartyID
		f      ledger.StatementFilter
		code   domain.Code
	}{
		"another's":            {"carol", ledger.StatementFilter{Account: "party/acme"}, domain.NotFound},
		"nobody":               {"", ledger.StatementFilter{Account: escrow("h1")}, domain.NotFound},
		"an escrow, its payer": {"acme", ledger.StatementFilter{Account: escrow("h1")}, domain.NotFound},
		"no account":           {"auditor", ledger.StatementFilter{Account: "wallet/x"}, domain.NotFound},
		"limit":                {"acme", ledger.StatementFilter{Account: "party/acme", Limit: 1001}, domain.LimitExceeded},
		"limit below":          {"acme", ledger.StatementFilter{Account: "party/acme", Limit: -1}, domain.LimitExceeded},
		"ends first":           {"acme", ledger.StatementFilter{Account: "party/acme", From: ledger.AtIndex(9), To: ledger.AtIndex(8)}, domain.Malformed},
	} {
		s, err := h.Statement(c.viewer, c.f)
		var refusal *domain.Rejection
		if !errors.As(err, &refusal) || refusal.Code != c.code || len(s.Lines) > 0 {
			t.Errorf("%s: %+v, %v, want %s", name, s, err, c.code)
		}
	}
}

func TestParseMoment(t *testing.T) {
	for text, ok := range map[string]bool{
		"": true, "0": true, "120": true, "9007199254740991": true, "2026-11-24": true, "1970-01-01": true,
		"2026-11-24T10:00:00Z": true, "2026-11-24T10:00:00.123+01:00": true,
		"9007199254740992": false, "01": false, "-1": false, "1969-12-31": false, "2026-02-30": false, "2026-11-24T10:00": false,
		"24.11.2026": false, "now": false, "1969-12-31T23:59:59Z": false, "99999-01-01": false, "１": false,
	} {
		if _, err := ledger.ParseMoment("from", text); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParseMoment(f *testing.F) {
	for _, seed := range []string{"", "0", "120", "2026-11-24", "2026-11-24T10:00:00Z", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := ledger.ParseMoment("from", text); err != nil {
			wantCode(t, err, domain.Malformed)
		}
	})
}

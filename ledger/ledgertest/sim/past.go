package sim

import (
	"aval/domain"
	"aval/ledger"
)

// checkPast asks what an account held as of some index or instant.
func (s *simulation) checkPast(viewer domain.PartyID) error {
	index := uint64(s.chance.IntN(len(s.model.log)))
	moment, size := ledger.AtIndex(index), index+1
	if e := s.model.log[index]; e != nil && s.chance.percent(50) {
		moment = ledger.AtInstant(e.now)
		for size < uint64(len(s.model.log)) && (s.model.log[size] == nil || s.model.log[size].now == e.now) {
			size++
		}
	}
	account := partyAccount(viewer)
	got, err := s.engine.Balance(viewer, domain.AccountID(account), moment)
	if err != nil {
		return err
	}
	want := s.model.before(size)
	for _, b := range got.Balances {
		if want[money{account, b.Currency}] != b.Minor {
			return wrong("%s held %d %s as of index %d, want %d", account, b.Minor, b.Currency, size-1, want[money{account, b.Currency}])
		}
		delete(want, money{account, b.Currency})
	}
	for b, minor := range want {
		if b.account == account && minor != 0 {
			return wrong("%s held no %s as of index %d, want %d", account, b.currency, size-1, minor)
		}
	}
	return nil
}

// before adds up the postings of the first entries.
func (m *model) before(size uint64) map[money]int64 {
	sums := map[money]int64{}
	for _, e := range m.log[:size] {
		if e == nil {
			continue
		}
		for _, p := range e.postings {
			sums[money{p.from, p.amount.Currency}] -= p.amount.Minor
			sums[money{p.to, p.amount.Currency}] += p.amount.Minor
		}
	}
	return sums
}

// checkTrial compares the trial balance as of an index, which the auditor reads page by page.
func (s *simulation) checkTrial() error {
	size := uint64(s.chance.IntN(len(s.model.log))) + 1
	f, got := ledger.TrialFilter{AsOf: ledger.AtIndex(size - 1)}, map[money]int64{}
	for {
		page, err := s.engine.TrialBalance(root, f)
		if err != nil {
			return err
		}
		for _, row := range page.Rows {
			got[money{string(row.Account), row.Currency}] += row.Credits - row.Debits
		}
		if f.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	for b, minor := range s.model.before(size) {
		if got[b] != minor {
			return wrong("trial balance as of index %d: %d %s on %s, want %d", size-1, got[b], b.currency, b.account, minor)
		}
		delete(got, b)
	}
	for b, minor := range got {
		return wrong("trial balance as of index %d: %d %s on %s, which nothing moved", size-1, minor, b.currency, b.account)
	}
	return nil
}

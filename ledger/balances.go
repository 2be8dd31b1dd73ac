package ledger

import (
	"slices"

	"aval/domain"
)

// balancesAfter lists the balances of the accounts that postings touched. They stand in the
// entry so that a balance at any index is one look-up: that of the account's last posting before it.
func (st *State) balancesAfter(postings []domain.Posting) []AccountBalances {
	accounts := make([]domain.AccountID, 0, 2*len(postings))
	for _, p := range postings {
		accounts = append(accounts, p.Debit, p.Credit)
	}
	slices.Sort(accounts)
	var all []AccountBalances
	for _, account := range slices.Compact(accounts) {
		all = append(all, AccountBalances{Account: account, Minor: st.balances(account)})
	}
	return all
}

// balances are those of one account in every currency that it holds.
func (st *State) balances(account domain.AccountID) map[domain.Currency]int64 {
	minor := map[domain.Currency]int64{}
	st.scan(string(balanceSlot)+"  "+string(account)+" ", "", func(s *slot) bool {
		minor[domain.Currency(s.Name)] = s.Minor
		return true
	})
	return minor
}

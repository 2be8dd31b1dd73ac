package ledger

import (
	"aval/domain"
)

// Accounts lists the viewer's own balances; an auditor sees every account.
func (e *Engine) Accounts(viewer domain.PartyID) ([]AccountView, error) {
	all := e.auditor(viewer)
	accounts := []AccountView{}
	if viewer == "" { // an escrow has no owner, and nobody owns it
		return accounts, nil
	}
	of := []string{string(domain.IssueAccount(viewer)) + " ", string(domain.PartyAccount(viewer)) + " "}
	if all {
		of = []string{""}
	}
	now := e.published.Load()
	for _, account := range of {
		now.state.scan(string(balanceSlot)+"  "+account, "", func(s *slot) bool {
			balance := domain.Money{Minor: s.Minor, Currency: domain.Currency(s.Name)}
			accounts = append(accounts, AccountView{domain.AccountID(s.Key), balance})
			return true
		})
	}
	return accounts, nil
}

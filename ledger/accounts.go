package ledger

import (
	"cmp"
	"slices"

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

// AccountBalance is an account as it stood at one moment.
type AccountBalance struct {
	Account domain.AccountID    `json:"account"`
	Class   domain.AccountClass `json:"class"`
	Owner   domain.PartyID      `json:"owner,omitempty"`
	// To is one more than the index of the last entry that counts.
	To uint64 `json:"to"`
	// Balances are those other than zero, in order of currency.
	Balances []domain.Money `json:"balances"`
}

// Balance is what an account held as of a moment; not set, the present. NotFound for an account
// that is not the viewer's, unless it is an auditor.
func (e *Engine) Balance(viewer domain.PartyID, account domain.AccountID, asOf Moment) (AccountBalance, error) {
	v := AccountBalance{Account: account, Class: account.Class(), Owner: account.Owner(), Balances: []domain.Money{}}
	if !e.mayRead(viewer, account) {
		return AccountBalance{}, errNotFound()
	}
	b := e.books()
	var err error
	if v.To, err = b.through(asOf); err != nil {
		return AccountBalance{}, err
	}
	minor, err := b.balancesBefore(account, v.To)
	for c, m := range minor { //tidy:ordered sorted below
		v.Balances = append(v.Balances, domain.Money{Minor: m, Currency: c})
	}
	slices.SortFunc(v.Balances, func(a, b domain.Money) int { return cmp.Compare(a.Currency, b.Currency) })
	return v, err
}

// mayRead says whether an account is the viewer's own, or the viewer an auditor.
func (e *Engine) mayRead(viewer domain.PartyID, account domain.AccountID) bool {
	return viewer != "" && account.Check() == nil && (account.Owner() == viewer || e.auditor(viewer))
}

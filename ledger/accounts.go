package ledger

import (
	"cmp"
	"slices"
	"strings"

	"aval/domain"
)

// Accounts lists the viewer's own accounts that hold money, or for which it is held, in order of
// account and currency; an auditor sees every account.
func (e *Engine) Accounts(viewer domain.PartyID) ([]AccountView, error) {
	accounts := []AccountView{}
	if viewer == "" { // an escrow has no owner, and nobody owns it
		return accounts, nil
	}
	of, heldFor := []string{string(domain.IssueAccount(viewer)) + " ", string(domain.PartyAccount(viewer)) + " "}, heldName(viewer, "")
	if e.Audits(viewer) {
		of, heldFor = []string{""}, ""
	}
	st := e.published.Load().state
	for _, account := range of {
		st.scan(string(balanceSlot)+"  "+account, "", func(s *slot) bool {
			accounts = append(accounts, st.account(holding{domain.AccountID(s.Key), domain.Currency(s.Name)}, s.Minor))
			return true
		})
	}
	st.held.Ascend(heldFor, func(name string, _ int64) bool {
		party, currency, _ := strings.Cut(name, " ")
		h := holding{domain.PartyAccount(domain.PartyID(party)), domain.Currency(currency)}
		if strings.HasPrefix(name, heldFor) && st.balance(h.account, h.currency) == 0 {
			accounts = append(accounts, st.account(h, 0))
		}
		return strings.HasPrefix(name, heldFor)
	})
	slices.SortFunc(accounts, func(a, b AccountView) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Balance.Currency, b.Balance.Currency))
	})
	return accounts, nil
}

// account shows one balance.
func (st *State) account(h holding, minor int64) AccountView {
	money := func(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: h.currency} }
	v := AccountView{Account: h.account, Class: h.account.Class(), Owner: h.account.Owner(), Balance: money(minor)}
	if v.Class == domain.ClassParty {
		held, available := money(st.heldFor(v.Owner, h.currency)), money(max(0, minor-st.minimum(h)))
		v.Held, v.Available = &held, &available
	}
	return v
}

// minimum is what must be left on a party's account. A snapshot has the records of limits, not their table.
func (st *State) minimum(h holding) int64 {
	s, ok := st.slots.Get(recordName(domain.CashKind, "limit/"+string(h.account.Owner())+"/"+string(h.currency)))
	if !ok {
		return 0
	}
	_, limit, _ := limitOf(s)
	return limit.Narrowest().MinimumBalance
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
	return viewer != "" && account.Check() == nil && (account.Owner() == viewer || e.Audits(viewer))
}

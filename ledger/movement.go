package ledger

import "aval/domain"

// holding is what a balance is of: one account's money in one currency.
type holding struct {
	account  domain.AccountID
	currency domain.Currency
}

// moved is a balance before and after the command's postings.
type moved struct {
	holding
	before, minor int64
	// out is the sum of the debits; paid says that some credit came from a party or a bank.
	out  int64
	paid bool
}

// movement is the balances that a command touches, in the order of its postings, and where each stands.
type movement struct {
	all []moved
	at  map[holding]int
}

// find gives the place of a balance, which is read from the state when it is first touched.
func (m *movement) find(st *State, account domain.AccountID, currency domain.Currency) *moved {
	h := holding{account, currency}
	i, touched := m.at[h]
	if !touched {
		i = len(m.all)
		m.at[h] = i
		balance := st.balance(account, currency)
		m.all = append(m.all, moved{holding: h, before: balance, minor: balance})
	}
	return &m.all[i]
}

func (m *movement) add(st *State, p domain.Posting) (err error) {
	debit := m.find(st, p.Debit, p.Amount.Currency)
	if debit.minor, err = domain.AddMinor(debit.minor, -p.Amount.Minor); err != nil {
		return err
	}
	if debit.out, err = domain.AddMinor(debit.out, p.Amount.Minor); err != nil {
		return err
	}
	credit := m.find(st, p.Credit, p.Amount.Currency)
	credit.paid = credit.paid || p.Debit.Class() != domain.ClassEscrow
	credit.minor, err = domain.AddMinor(credit.minor, p.Amount.Minor)
	return err
}

// balances nets the postings and refuses an account that would end below its floor.
func (r *run) balances(postings []domain.Posting) (*movement, error) {
	m := &movement{at: make(map[holding]int, len(postings)+1)}
	for _, p := range postings {
		if err := m.add(r.state, p); err != nil {
			return nil, err
		}
	}
	for _, b := range m.all {
		if b.minor < 0 && !b.account.MayGoNegative() {
			return nil, domain.Refuse(domain.InsufficientFunds, "an account would fall short by %d minor units of %s", -b.minor, b.currency)
		}
	}
	return m, nil
}

// funded are the accounts that the command leaves with a balance other than zero.
func (m *movement) funded() map[domain.AccountID]bool {
	funded := make(map[domain.AccountID]bool, len(m.all))
	for _, b := range m.all {
		if b.minor != 0 {
			funded[b.account] = true
		}
	}
	return funded
}

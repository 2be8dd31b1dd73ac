package ledger

import (
	"fmt"
	"strings"

	"aval/domain"
)

// book writes checked effects into the state. Everything that can refuse comes first; after
// the marked line it must succeed.
func (r *run) book(e *entry, fx domain.Effects) error {
	balances, err := r.balances(fx.Postings)
	if err != nil {
		return err
	}
	if err := r.checkWrites(e.Kind, fx.Writes, balances); err != nil {
		return err
	}
	// From here on everything succeeds.
	for _, m := range balances.all {
		r.state.setBalance(m.account, m.currency, m.minor)
	}
	for _, w := range fx.Writes {
		r.write(e, w)
	}
	for _, d := range fx.Deadlines {
		r.ask(e.Kind, d)
	}
	for _, w := range fx.Watches {
		r.watch(e.Kind, w)
	}
	e.Events, e.Postings = fx.Events, fx.Postings
	e.Balances = r.state.balancesAfter(fx.Postings)
	return nil
}

// holding is what a balance is of: one account's money in one currency.
type holding struct {
	account  domain.AccountID
	currency domain.Currency
}

// moved is a balance after the command's postings.
type moved struct {
	holding
	minor int64
}

// movement is the balances that a command touches, in the order of its postings, and where each stands.
type movement struct {
	all []moved
	at  map[holding]int
}

// add moves a balance, which is read from the state when it is first touched.
func (m *movement) add(st *State, account domain.AccountID, amount domain.Money, sign int64) error {
	h := holding{account, amount.Currency}
	i, touched := m.at[h]
	if !touched {
		i = len(m.all)
		m.at[h] = i
		m.all = append(m.all, moved{h, st.balance(account, amount.Currency)})
	}
	sum, err := domain.AddMinor(m.all[i].minor, sign*amount.Minor)
	m.all[i].minor = sum
	return err
}

// balances nets the postings and refuses an account that would end below its floor.
func (r *run) balances(postings []domain.Posting) (*movement, error) {
	m := &movement{at: make(map[holding]int, len(postings)+1)}
	for _, p := range postings {
		if err := m.add(r.state, p.Debit, p.Amount, -1); err != nil {
			return nil, err
		}
		if err := m.add(r.state, p.Credit, p.Amount, 1); err != nil {
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

// checkWrites stops the engine when a contract breaks the law of finality: a closed key
// never opens again, and a final record holds no money.
func (r *run) checkWrites(kind domain.Kind, writes []domain.Write, balances *movement) error {
	var final map[string]bool
	var funded map[domain.AccountID]bool
	for _, w := range writes {
		again := final[w.Key]
		if _, open := r.state.slots.Get(recordName(kind, w.Key)); !open {
			again = again || view{state: r.state, history: r.history, kind: kind}.Closed(w.Key)
		}
		if again {
			return fmt.Errorf("record %s was final and is written again", w.Key)
		}
		if !w.Final {
			continue
		}
		if final == nil {
			final, funded = map[string]bool{}, balances.funded()
		}
		final[w.Key] = true
		escrow := domain.EscrowAccount(kind, w.Key)
		if funded[escrow] || r.holdsMore(escrow, balances) {
			return fmt.Errorf("record %s is final but its escrow holds money", w.Key)
		}
	}
	return nil
}

// holdsMore says whether an account has a balance that the command does not touch.
func (r *run) holdsMore(account domain.AccountID, balances *movement) (more bool) {
	r.state.scan(string(balanceSlot)+"  "+string(account)+" ", "", func(s *slot) bool {
		_, touched := balances.at[holding{account, domain.Currency(s.Name)}]
		more = !touched
		return touched
	})
	return more
}

func (r *run) write(e *entry, w domain.Write) {
	s := &slot{
		Type: recordSlot, Kind: e.Kind, Key: w.Key, Body: w.Body, Parties: w.Parties, Status: w.Status, Final: w.Final,
	}
	e.Records = append(e.Records, recordMark{Key: w.Key, Status: w.Status, Final: w.Final})
	if w.Final {
		r.state.close(s)
		return
	}
	r.state.put(s)
}

// ask sets, replaces or cancels a deadline. One that is already due runs in the next batch,
// so that a contract which keeps asking cannot hold a batch for ever.
func (r *run) ask(kind domain.Kind, d domain.Deadline) {
	s := &slot{Type: deadlineSlot, Kind: kind, Key: d.Contract, Name: d.Name, At: max(d.At, r.batch.Now+1)}
	if d.At == 0 {
		r.state.drop(s.name())
		return
	}
	r.state.put(s)
}

func (r *run) watch(kind domain.Kind, w domain.Watch) {
	s := &slot{Type: watchSlot, Kind: kind, Key: w.Subject, Watch: &w}
	if w.Until == 0 {
		r.state.drop(s.name())
		return
	}
	r.state.put(s)
}

// owners gives the lists that a record belongs to: each party's and the auditors', by kind and of all kinds.
func owners(s *slot) []string {
	var lists []string
	for _, party := range append([]domain.PartyID{""}, s.Parties...) {
		lists = append(lists, memberName(party, s.Kind), memberName(party, ""))
	}
	return lists
}

func memberName(viewer domain.PartyID, kind domain.Kind) string {
	return strings.Join([]string{"member", string(viewer), string(kind)}, " ")
}

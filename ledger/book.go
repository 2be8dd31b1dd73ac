package ledger

import (
	"fmt"
	"slices"
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
	for i, w := range fx.Writes {
		if err := r.checkWrite(e.Kind, w, fx.Writes[:i], balances); err != nil {
			return err
		}
	}
	// From here on everything succeeds.
	for _, b := range balances {
		r.state.setBalance(b.account, b.currency, b.minor)
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
	return nil
}

// moved is one account's balance after the command's postings.
type moved struct {
	account  domain.AccountID
	currency domain.Currency
	minor    int64
}

// balances nets the postings and refuses an account that would end below its floor.
func (r *run) balances(postings []domain.Posting) ([]moved, error) {
	var all []moved
	add := func(account domain.AccountID, amount domain.Money, sign int64) error {
		i := slices.IndexFunc(all, func(m moved) bool { return m.account == account && m.currency == amount.Currency })
		if i < 0 {
			all = append(all, moved{account, amount.Currency, r.state.balance(account, amount.Currency)})
			i = len(all) - 1
		}
		sum, err := domain.AddMinor(all[i].minor, sign*amount.Minor)
		all[i].minor = sum
		return err
	}
	for _, p := range postings {
		if err := add(p.Debit, p.Amount, -1); err != nil {
			return nil, err
		}
		if err := add(p.Credit, p.Amount, 1); err != nil {
			return nil, err
		}
	}
	for _, m := range all {
		if m.minor < 0 && !m.account.MayGoNegative() {
			return nil, domain.Refuse(domain.InsufficientFunds, "an account would fall short by %d minor units of %s", -m.minor, m.currency)
		}
	}
	return all, nil
}

// checkWrite stops the engine when a contract breaks the law of finality: a closed key
// never opens again, and a final record holds no money.
func (r *run) checkWrite(kind domain.Kind, w domain.Write, before []domain.Write, balances []moved) error {
	again := slices.ContainsFunc(before, func(b domain.Write) bool { return b.Final && b.Key == w.Key })
	if _, open := r.state.slots.Get(recordName(kind, w.Key)); !open {
		again = again || view{state: r.state, history: r.history, kind: kind}.Closed(w.Key)
	}
	if again {
		return fmt.Errorf("record %s was final and is written again", w.Key)
	}
	if !w.Final {
		return nil
	}
	held := string(domain.EscrowAccount(kind, w.Key))
	for _, m := range balances {
		if string(m.account) == held && m.minor != 0 {
			return fmt.Errorf("record %s is final but its escrow holds %d", w.Key, m.minor)
		}
	}
	var left error
	r.state.scan(string(balanceSlot)+"  "+held+" ", "", func(s *slot) bool {
		touched := slices.ContainsFunc(balances, func(m moved) bool {
			return string(m.account) == s.Key && string(m.currency) == s.Name
		})
		if !touched {
			left = fmt.Errorf("record %s is final but its escrow holds %d %s", w.Key, s.Minor, s.Name)
		}
		return left == nil
	})
	return left
}

func (r *run) write(e *entry, w domain.Write) {
	s := &slot{
		Type: recordSlot, Kind: e.Kind, Key: w.Key, Body: w.Body, Parties: w.Parties, Status: w.Status, Final: w.Final,
	}
	e.records = append(e.records, w.Key)
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

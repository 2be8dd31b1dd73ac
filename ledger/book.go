package ledger

import (
	"fmt"
	"strings"

	"aval/domain"
)

// book writes checked effects into the state. Everything that can refuse comes first; after
// the marked line it must succeed.
func (r *run) book(e *entry, fx domain.Effects) error {
	if err := r.checkReversals(fx.Postings); err != nil {
		return err
	}
	balances, err := r.balances(fx.Postings)
	if err != nil {
		return err
	}
	counters, err := r.checkLimits(balances)
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
	for _, m := range balances.all {
		r.hold(e.Kind, m)
	}
	for _, counter := range counters {
		r.count(counter)
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

// checkReversals refuses a reversal of what the log does not hold, or of something else.
func (r *run) checkReversals(postings []domain.Posting) error {
	for _, p := range postings {
		if p.Reverses == nil {
			continue
		}
		original, found := earlier(r.history, r.base, *p.Reverses)
		if !found {
			return domain.Refuse(domain.NotFound, "entry %d has no posting %d", p.Reverses.Index, p.Reverses.Number)
		}
		if err := p.CheckReversal(original); err != nil {
			return err
		}
	}
	return nil
}

// checkWrites stops the engine when a contract breaks the law of finality: a closed key
// never opens again, a final record holds no money, and whose money a record holds never changes.
func (r *run) checkWrites(kind domain.Kind, writes []domain.Write, balances *movement) error {
	var final map[string]bool
	var funded map[domain.AccountID]bool
	for _, w := range writes {
		again := final[w.Key]
		if old, open := r.state.slots.Get(recordName(kind, w.Key)); open && old.HeldFor != w.HeldFor {
			return fmt.Errorf("record %s held money for %q and is written for %q", w.Key, old.HeldFor, w.HeldFor)
		} else if !open {
			again = again || (&view{state: r.state, history: r.history, kind: kind}).Closed(w.Key)
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
		HeldFor: w.HeldFor,
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

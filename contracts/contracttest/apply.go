package contracttest

import (
	"maps"
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// apply takes effects over whole, or refuses them and changes nothing. Broken laws end the test.
func (b *Bench) apply(kind domain.Kind, in domain.Input, fx domain.Effects) error {
	b.t.Helper()
	if err := fx.Check(kind, in); err != nil {
		b.t.Fatalf("law effects: %s of %s: %v", in.Command.Name, kind, err)
	}
	if err := b.checkReversals(fx.Postings); err != nil {
		return err
	}
	balances, err := net(b.balances, fx.Postings)
	if err != nil {
		return err
	}
	spent, err := b.checkLimits(balances, fx.Postings, domain.Day(in.Now))
	if err != nil {
		return err
	}
	// Nothing is refused from here on.
	b.balances = balances
	maps.Copy(b.spent, spent)
	for _, p := range fx.Postings {
		b.postings = append(b.postings, bookedPosting{in.Now, kind, p, fx.Events[p.Cause].Name})
	}
	for _, w := range fx.Writes {
		b.write(kind, w)
	}
	for _, e := range fx.Events {
		b.book(kind, in.Now, e)
	}
	b.schedule(kind, fx)
	return nil
}

// net gives the balances after postings. Only the outcome of all of them counts against the floor.
func net(before map[balanceKey]int64, postings []domain.Posting) (map[balanceKey]int64, error) {
	after := maps.Clone(before)
	for _, p := range postings {
		for account, minor := range map[domain.AccountID]int64{p.Debit: -p.Amount.Minor, p.Credit: p.Amount.Minor} {
			key := balanceKey{account, p.Amount.Currency}
			sum, err := domain.AddMinor(after[key], minor)
			if err != nil {
				return nil, err
			}
			after[key] = sum
		}
	}
	for _, p := range postings {
		if !p.Debit.MayGoNegative() && after[balanceKey{p.Debit, p.Amount.Currency}] < 0 {
			return nil, domain.Refuse(domain.InsufficientFunds, "posting %s: the account lacks the money", p.Purpose)
		}
	}
	return after, nil
}

func (b *Bench) write(kind domain.Kind, w domain.Write) {
	b.t.Helper()
	key := recordKey{kind, w.Key}
	if b.records[key].final {
		b.t.Fatalf("law finality: %s writes %s, which is final", kind, w.Key)
	}
	if old, written := b.records[key]; written && old.heldFor != w.HeldFor {
		b.t.Fatalf("law held: %s wrote %s for %q and now for %q", kind, w.Key, old.heldFor, w.HeldFor)
	}
	b.checkCanonical("record "+w.Key, w.Body)
	b.records[key] = record{body: w.Body, parties: w.Parties, status: w.Status, final: w.Final, heldFor: w.HeldFor}
	if kind == domain.CashKind && strings.HasPrefix(w.Key, "limit/") {
		var limit domain.Limit
		b.decode(w.Body, &limit)
		b.limits[balanceKey{domain.PartyAccount(limit.Party), limit.Currency}] = limit
	}
}

func (b *Bench) book(kind domain.Kind, now domain.Millis, e domain.Event) {
	b.t.Helper()
	b.checkCanonical("event "+e.Name, e.Body)
	b.events = append(b.events, bookedEvent{now, kind, e})
}

func (b *Bench) schedule(kind domain.Kind, fx domain.Effects) {
	for _, d := range fx.Deadlines {
		key := deadlineKey{kind, d.Contract, d.Name}
		if d.At == 0 {
			delete(b.deadlines, key)
		} else {
			b.deadlines[key] = d.At
		}
	}
	for _, w := range fx.Watches {
		key := watchKey{kind, w.Subject}
		if w.Until == 0 {
			delete(b.watches, key)
		} else {
			b.watches[key] = w
		}
	}
}

func (b *Bench) checkCanonical(what string, body []byte) {
	b.t.Helper()
	var v any
	if err := canon.Unmarshal(body, &v); err != nil {
		b.t.Fatalf("law encoding: body of %s: %v", what, err)
	}
}

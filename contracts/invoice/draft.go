package invoice

import "aval/domain"

// draft is one Apply under way: what may be read, what is judged, and what will have changed.
// A refusal throws it away whole, so that a rule may change records before its last check.
type draft struct {
	view domain.View
	in   domain.Input
	fx   domain.Effects
	// err is the first failure of encoding, which is a bug and not a refusal.
	err        error
	agreements set[Agreement]
	shipments  set[Shipment]
	bills      set[Bill]
	// receivables and programmes are of a financing.
	receivables set[Receivable]
	programmes  set[Programme]
	// fresh is the evidence that changed, nil if none did.
	fresh *fresh
	// moved is what the postings so far have put into accounts, or taken out of them.
	moved map[domain.AccountID]int64
}

// set holds the records of a class that were loaded, each once, in the order of loading.
type set[S any] []*loaded[S]

type loaded[S any] struct {
	key     string
	state   S
	changed bool
}

// fetch gives the one copy of a record that this draft works on.
func (s *set[S]) fetch(v domain.View, key string) (*S, bool, error) {
	for _, l := range *s {
		if l.key == key {
			return &l.state, true, nil
		}
	}
	state, found, err := domain.Load[S](v, key)
	if !found || err != nil {
		return nil, false, err
	}
	l := &loaded[S]{key: key, state: state}
	*s = append(*s, l)
	return &l.state, true, nil
}

// add takes in a record that is new.
func (s *set[S]) add(key string, state S) *S {
	l := &loaded[S]{key: key, state: state, changed: true}
	*s = append(*s, l)
	return &l.state
}

// touch marks a record to be written.
func (s set[S]) touch(state *S) {
	for _, l := range s {
		if &l.state == state {
			l.changed = true
		}
	}
}

// write saves what was changed, each record once.
func (s set[S]) write(save func(*S)) {
	for _, l := range s {
		if l.changed {
			save(&l.state)
		}
	}
}

func (d *draft) done() (domain.Effects, error) {
	d.bills.write(func(b *Bill) { b.save(d) })
	d.receivables.write(func(r *Receivable) { r.save(d) })
	d.programmes.write(func(p *Programme) { p.save(d) })
	d.shipments.write(func(s *Shipment) { s.save(d) }) // may count off its agreement
	d.agreements.write(func(a *Agreement) { a.save(d) })
	if d.err != nil {
		return domain.Effects{}, d.err
	}
	return d.fx, nil
}

// taken says whether a key is or was in use.
func (d *draft) taken(key string) bool {
	_, open := d.view.Get(key)
	return open || d.view.Closed(key)
}

// put writes a record; final closes it.
func put[S any](d *draft, key string, state S, status string, final bool, parties ...domain.PartyID) {
	w, err := domain.Put(key, state, status, parties...)
	w.Final = final
	d.fx.Writes = append(d.fx.Writes, w)
	d.fail(err)
}

// heldFor says whose money lies in the escrow of the record that was put last.
func (d *draft) heldFor(party domain.PartyID) { d.fx.Writes[len(d.fx.Writes)-1].HeldFor = party }

func (d *draft) event(name, key string, body any, parties ...domain.PartyID) {
	e, err := domain.NewEvent(name, key, body, parties...)
	d.fx.Events = append(d.fx.Events, e)
	d.fail(err)
}

// move posts an amount, caused by the event that is told next; zero posts nothing.
func (d *draft) move(purpose string, from, to domain.AccountID, minor int64, currency domain.Currency) {
	if minor == 0 {
		return
	}
	d.fx.Postings = append(d.fx.Postings, domain.Posting{
		Debit: from, Credit: to, Amount: domain.Money{Minor: minor, Currency: currency}, Purpose: purpose, Cause: len(d.fx.Events),
	})
	if d.moved == nil {
		d.moved = map[domain.AccountID]int64{}
	}
	d.moved[from] -= minor
	d.moved[to] += minor
}

// balance is what an account would hold after the postings so far, all of which are in one currency.
func (d *draft) balance(account domain.AccountID, currency domain.Currency) int64 {
	return d.view.Available(account, currency) + d.moved[account]
}

func (d *draft) deadline(contract, name string, at domain.Millis) {
	d.fx.Deadlines = append(d.fx.Deadlines, domain.Deadline{At: at, Contract: contract, Name: name})
}

func (d *draft) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// only refuses a sender who is not that party.
func (d *draft) only(who string, p domain.PartyID) error {
	if d.in.Sender != p {
		return domain.Refuse(domain.NotPermitted, "only the %s may %s", who, d.in.Command.Name)
	}
	return nil
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

package flightdelay

import (
	"aval/domain"
)

// turn is one command being judged: what it sees and, collected as it goes, what it changes.
type turn struct {
	view domain.View
	in   domain.Input
	fx   domain.Effects
	// bound counts the policies of this command by holderPlace, locked what it takes from the
	// product's reserve: the view shows neither.
	bound  map[string]int64
	locked int64
	// bug is the first failure to encode; it stops the engine.
	bug error
}

func (t *turn) id() string { return t.in.Command.Contract }

func (t *turn) put(key string, state readable, status string) { t.write(key, state, status, false) }

// close writes a record for the last time.
func (t *turn) close(key string, state readable, status string) { t.write(key, state, status, true) }

func (t *turn) write(key string, state readable, status string, final bool) {
	w, err := domain.Put(key, state, status, state.parties()...)
	w.Final = final
	t.fx.Writes = append(t.fx.Writes, w)
	t.note(err)
}

func (t *turn) event(name, key string, body any, parties ...domain.PartyID) {
	e, err := domain.NewEvent(name, key, body, parties...)
	t.fx.Events = append(t.fx.Events, e)
	t.note(err)
}

func (t *turn) note(err error) {
	if t.bug == nil {
		t.bug = err
	}
}

// post moves minor units, caused by the event that is told next; nothing to move is no posting.
func (t *turn) post(purpose string, from, to domain.AccountID, minor int64, c domain.Currency) {
	if minor == 0 {
		return
	}
	t.fx.Postings = append(t.fx.Postings, domain.Posting{
		Debit: from, Credit: to, Amount: domain.Money{Minor: minor, Currency: c}, Purpose: purpose, Cause: len(t.fx.Events),
	})
}

func (t *turn) deadline(at domain.Millis, contract, name string) {
	t.fx.Deadlines = append(t.fx.Deadlines, domain.Deadline{At: at, Contract: contract, Name: name})
}

// next asks for the command in the next batch: batch times strictly increase, so one
// millisecond from now is in no batch before it.
func (t *turn) next(contract, name string) { t.deadline(t.in.Now+1, contract, name) }

func (t *turn) exists(key string) bool {
	_, found := t.view.Get(key)
	return found || t.view.Closed(key)
}

// load reads a record that a command names; an absent one is NotFound.
func load[S any](t *turn, class, id string) (S, error) {
	var none S
	if err := domain.CheckID(class, id); err != nil {
		return none, err
	}
	state, found, err := domain.Load[S](t.view, class+"/"+id)
	if err != nil || found {
		return state, err
	}
	return none, domain.Refuse(domain.NotFound, "%s %s: no such record, or not yours", class, id)
}

func escrow(class, id string) domain.AccountID { return domain.EscrowAccount(Kind, class+"/"+id) }

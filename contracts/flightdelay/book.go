package flightdelay

import (
	"errors"
	"fmt"

	"aval/domain"
)

// MaxBooks bounds the products that cover one leg, so that an observation costs a bounded
// number of records whatever the number of policies.
const MaxBooks = 32

// book is the record leg/<leg key>/<product ID>: one product's business on one leg.
type book struct {
	Insurer domain.PartyID `json:"insurer"`
	Product string         `json:"product"`
	// Leg holds the schedule frozen at the first bind or listing, zero before.
	Leg Leg `json:"leg"`
	// Exposure is the sum of highest payouts of live policies, Quoted that of open quotes, in minor units.
	Exposure int64 `json:"exposure"`
	Quoted   int64 `json:"quoted"`
	// Policies counts live policies.
	Policies int64 `json:"policies"`
	// Reported says that a source stated a final phase: the outcome is no longer unknown to all, and the sale is over.
	Reported bool `json:"reported"`
	// Reports holds the report that counts for each family, in order of family.
	Reports []report `json:"reports"`
	// Unknowns counts reports of unknown, Late reports after the decision.
	Unknowns int64 `json:"unknowns"`
	Late     int64 `json:"late"`
	// Faults lists sources that contradicted themselves under one message identity.
	Faults []string `json:"faults"`
	// VoidAt is the void deadline, WaitUntil the end of the wait for further families (zero: none),
	// CloseAt the end of the correction window (zero: not settled).
	VoidAt    domain.Millis `json:"voidAt"`
	WaitUntil domain.Millis `json:"waitUntil"`
	CloseAt   domain.Millis `json:"closeAt"`
	// Decision is what every policy of the book is settled by; its phase is empty before.
	Decision decision `json:"decision"`
}

func (b book) parties() []domain.PartyID { return []domain.PartyID{b.Insurer} }

// status is the word of the life cycle.
func (b book) status() string {
	switch {
	case b.CloseAt != 0:
		return "settled"
	case b.Decision.Phase == void:
		return "void"
	case b.Decision.made():
		return "decided"
	}
	return "open"
}

// due is when the book needs a review next, zero for never.
func (b book) due() domain.Millis {
	switch {
	case b.Decision.made():
		return b.CloseAt
	case b.WaitUntil != 0:
		return min(b.WaitUntil, b.VoidAt)
	}
	return b.VoidAt
}

// watched says whether observations are still wanted.
func (b book) watched() bool { return b.Policies > 0 || b.CloseAt != 0 }

// freeze fixes the schedule; the leg is judged by it from then on.
func (b *book) freeze(l Leg, voidAfter domain.Millis) {
	b.Leg = l
	b.VoidAt = l.ScheduledIn + voidAfter
}

// errNoProduct is a bug: a product is never closed.
var errNoProduct = errors.New("no product")

// entry is a book with its place and its product's terms.
type entry struct {
	key   string
	terms Terms
	// book is as it will be, before as it was loaded.
	book, before book
	// changed says that the book must be written, closed that it is for the last time.
	changed, closed bool
}

func bookKey(leg, product string) string { return "leg/" + leg + "/" + product }

// onLeg loads the open books of a leg, in order of product.
func (t *turn) onLeg(leg string) ([]*entry, error) {
	var entries []*entry
	for _, record := range t.view.Scan("leg/"+leg+"/", "", MaxBooks) {
		b, _, err := domain.Load[book](t.view, record.Key)
		if err != nil {
			return nil, err
		}
		p, found, err := domain.Load[product](t.view, "product/"+b.Product)
		if err == nil && !found {
			err = errNoProduct
		}
		if err != nil {
			return nil, fmt.Errorf("load product of %s: %w", record.Key, err)
		}
		entries = append(entries, &entry{key: record.Key, book: b, before: b, terms: p.Terms})
	}
	return entries, nil
}

// commit writes what changed and sets the leg's deadlines and watch accordingly.
func (t *turn) commit(leg string, entries []*entry) {
	// A review has spent the deadline that caused it: it asks again even if no book changed.
	rearm, rewatch, decided := t.in.Command.Name == reviewName, false, false
	for _, e := range entries {
		if e.closed {
			t.close(e.key, e.book, "closed")
		} else if e.changed {
			t.put(e.key, e.book, e.book.status())
		}
		watched := !e.closed && e.book.watched()
		rearm = rearm || e.closed || e.book.due() != e.before.due()
		rewatch = rewatch || watched != e.before.watched() || watched && e.book.CloseAt != e.before.CloseAt
		decided = decided || e.book.Decision.made() && !e.before.Decision.made()
	}
	if rearm {
		t.arm(leg, entries)
	}
	if rewatch {
		t.watch(leg, entries)
	}
	if decided {
		t.next(leg, settleName)
	}
}

package flightdelay

import (
	"slices"

	"aval/domain"
)

// MaxList bounds the legs of one list command; each takes a deadline.
const MaxList = 32

// List is the body of list: legs on sale, with the schedule that buyers must state.
type List struct {
	Legs []Leg `json:"legs"`
}

// sale is a product and a leg about to be quoted, bound or listed.
type sale struct {
	id string
	// product is shared by all sales of a command.
	product *product
	leg     Leg // in normal form
	legKey  string
	key     string
	book    book
	// fresh says that the leg has no book of this product yet, covered that the book has policies.
	fresh, covered bool
}

// openSale loads a leg's book and checks whether the leg may be covered at all.
func (t *turn) openSale(id string, p *product, stated Leg) (*sale, error) {
	leg, err := stated.normal()
	if err != nil {
		return nil, err
	}
	return t.openLeg(id, p, leg, leg.Key())
}

// openLeg is openSale for a leg in normal form.
func (t *turn) openLeg(id string, p *product, leg Leg, legKey string) (*sale, error) {
	s := &sale{id: id, product: p, leg: leg, legKey: legKey, key: bookKey(legKey, id)}
	if t.view.Closed(s.key) {
		return nil, domain.Refuse(domain.TooLate, "leg %s is settled", legKey)
	}
	b, found, err := domain.Load[book](t.view, s.key)
	if err != nil {
		return nil, err
	}
	s.book, s.fresh, s.covered = b, !found, b.Policies > 0
	if s.fresh {
		if err := t.openBook(s); err != nil {
			return nil, err
		}
	}
	if s.book.Reported || s.book.Decision.made() {
		return nil, domain.Refuse(domain.TooLate, "leg %s: a source has reported its outcome", legKey)
	}
	return s, nil
}

// openBook begins a book. Its void deadline comes from the stated schedule until one is
// frozen, and ends a book that never got a policy.
func (t *turn) openBook(s *sale) error {
	others, err := t.onLeg(s.legKey)
	if err != nil {
		return err
	}
	if len(others) >= MaxBooks {
		return domain.Refuse(domain.CapacityExceeded, "leg %s: covered by %d products, limit %d", s.legKey, len(others), MaxBooks)
	}
	identity := s.leg
	identity.ScheduledOut, identity.ScheduledIn = 0, 0
	s.book = book{Insurer: s.product.Insurer, Product: s.id, Leg: identity, VoidAt: s.leg.ScheduledIn + s.voidAfter()}
	// What is known of the leg through another product is known to buyers too.
	s.book.Reported = slices.ContainsFunc(others, func(e *entry) bool { return e.book.Reported })
	return nil
}

func (s *sale) voidAfter() domain.Millis { return minutes(s.product.Terms.Evidence.VoidAfterMinutes) }

// checkBuyer refuses a sale to this holder now.
func (s *sale) checkBuyer(t *turn, holder domain.PartyID) error {
	terms := s.product.Terms.Sale
	if s.product.Insurer == holder {
		return domain.Refuse(domain.NotPermitted, "the insurer of a product cannot hold its policies")
	}
	if opens := s.leg.ScheduledOut - minutes(terms.OpensMinutes); t.in.Now < opens {
		return domain.Refuse(domain.TooEarly, "sale opens %d minutes before scheduled departure", terms.OpensMinutes)
	}
	if t.in.Now > s.closes() {
		return domain.Refuse(domain.TooLate, "sale closes %d minutes before scheduled departure", terms.ClosesMinutes)
	}
	if err := s.checkSchedule(); err != nil {
		return err
	}
	return s.checkHolder(t, holder)
}

func (s *sale) closes() domain.Millis {
	return s.leg.ScheduledOut - minutes(s.product.Terms.Sale.ClosesMinutes)
}

// checkSchedule refuses a leg that was retimed since its schedule was frozen, or that the
// insurer has to list first. Within the tolerance the leg's own times count and not the
// buyer's, who could otherwise state an arrival that makes the flight late.
func (s *sale) checkSchedule() error {
	terms := s.product.Terms.Sale
	if !s.book.Leg.frozen() && !terms.StatedSchedule {
		return domain.Refuse(domain.NotFound, "leg %s: the insurer has not listed it", s.legKey)
	}
	if s.book.Leg.frozen() && !s.leg.near(s.book.Leg, minutes(terms.ScheduleToleranceMinutes)) {
		return domain.Refuse(domain.InvalidTerms,
			"scheduledOut, scheduledIn: more than %d minutes from the schedule under which leg %s is covered", terms.ScheduleToleranceMinutes, s.legKey)
	}
	if s.book.Leg.frozen() {
		s.leg = s.book.Leg
	}
	return nil
}

// checkHolder counts the holder's live policies with this insurer on this leg, whatever product.
func (s *sale) checkHolder(t *turn, holder domain.PartyID) error {
	place := holderPlace(s.legKey, holder)
	records := t.view.Scan(place, "", MaxHeld)
	held := t.bound[place]
	if held+int64(len(records)) >= MaxHeld {
		return domain.Refuse(domain.LimitExceeded, "leg %s: %d policies of one holder, limit %d", s.legKey, MaxHeld, MaxHeld)
	}
	for _, record := range records {
		i, _, err := domain.Load[index](t.view, record.Key)
		if err != nil {
			return err
		}
		if i.Insurer == s.product.Insurer {
			held++
		}
	}
	if limit := s.product.Terms.Sale.MaxPerHolder; held >= limit {
		return domain.Refuse(domain.LimitExceeded, "leg %s: %d policies of one holder with this insurer, limit %d", s.legKey, held, limit)
	}
	return nil
}

// checkRoom refuses a policy for which the caps or the reserve have no room. held is what a
// quote of the buyer's keeps already. Refusals give no sums: they are the insurer's.
func (s *sale) checkRoom(t *turn, held int64) error {
	terms, highest := &s.product.Terms, s.product.Terms.Payouts.Highest()
	onLeg, err := sum(s.book.Exposure, s.book.Quoted, highest-held)
	if err != nil {
		return err
	}
	total, err := sum(s.product.Locked, s.product.Quoted, highest-held)
	if err != nil {
		return err
	}
	if onLeg > terms.Sale.MaxPerLeg {
		return domain.Refuse(domain.CapacityExceeded, "leg %s: maxPerLeg of the product is reached", s.legKey)
	}
	if total > terms.Sale.MaxTotal {
		return domain.Refuse(domain.CapacityExceeded, "maxTotal of product %s is reached", s.id)
	}
	// The view is of the state before the command, which may have locked some of it since.
	free := t.view.Available(escrow("product", s.id), terms.Payouts.Currency) - t.locked - (s.product.Quoted - held)
	if free < highest {
		return domain.Refuse(domain.InsufficientFunds, "the reserve of product %s cannot back another policy", s.id)
	}
	return nil
}

func sum(a, b, c int64) (int64, error) {
	ab, err := domain.AddMinor(a, b)
	if err != nil {
		return 0, err
	}
	return domain.AddMinor(ab, c)
}

// announce sets the leg's deadline, and with cover its watch, after the book began or was frozen.
func (s *sale) announce(t *turn, covered bool) error {
	entries, err := t.onLeg(s.legKey)
	if err != nil {
		return err
	}
	entries = slices.DeleteFunc(entries, func(e *entry) bool { return e.key == s.key })
	entries = append(entries, &entry{key: s.key, book: s.book, terms: s.product.Terms})
	t.arm(s.legKey, entries)
	if covered {
		t.watch(s.legKey, entries)
	}
	return nil
}

func (t *turn) list() error {
	var body List
	if err := t.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	p, err := t.own()
	if err != nil {
		return err
	}
	if len(body.Legs) == 0 || len(body.Legs) > MaxList {
		return domain.Refuse(domain.LimitExceeded, "legs: %d, want 1 to %d", len(body.Legs), MaxList)
	}
	seen := map[string]bool{}
	for i, leg := range body.Legs {
		s, err := t.openSale(t.id(), &p, leg)
		if err != nil {
			return err
		}
		if seen[s.key] || s.book.Leg.frozen() {
			return domain.Refuse(domain.AlreadyExists, "legs[%d]: the schedule of leg %s is frozen", i, s.legKey)
		}
		seen[s.key] = true
		if err := s.list(t); err != nil {
			return err
		}
	}
	return nil
}

// list freezes the schedule of a leg that nobody has bought yet.
func (s *sale) list(t *turn) error {
	if t.in.Now >= s.leg.ScheduledOut {
		return domain.Refuse(domain.TooLate, "leg %s: scheduled departure is past", s.legKey)
	}
	s.book.freeze(s.leg, s.voidAfter())
	t.put(s.key, s.book, s.book.status())
	t.event("LegListed", s.key, s.leg, s.book.Insurer)
	return s.announce(t, false)
}

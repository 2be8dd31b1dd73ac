package flightdelay

import (
	"aval/domain"
)

// MaxHeld bounds one holder's live policies on one leg, with all insurers together.
const MaxHeld = 64

// Bind is the body of bind: either a quote, or product, leg and the premium that the buyer expects.
type Bind struct {
	Quote   string       `json:"quote,omitempty"`
	Product string       `json:"product,omitempty"`
	Leg     Leg          `json:"leg,omitzero"`
	Premium domain.Money `json:"premium,omitzero"`
}

// policy is the record policy/<id>. It holds all that its settlement needs, so that nothing
// that happens to the product can change it.
type policy struct {
	Holder  domain.PartyID `json:"holder"`
	Insurer domain.PartyID `json:"insurer"`
	Product string         `json:"product"`
	// Leg holds the schedule from which this policy's delay counts.
	Leg      Leg           `json:"leg"`
	LegKey   string        `json:"legKey"`
	Payouts  Payouts       `json:"payouts"`
	Evidence Evidence      `json:"evidence"`
	BoundAt  domain.Millis `json:"boundAt"`
	// Settlement is absent until the policy is final.
	Settlement *settlement `json:"settlement,omitempty"`
}

func (p policy) parties() []domain.PartyID { return []domain.PartyID{p.Holder, p.Insurer} }

func (t *turn) bind() error {
	var body Bind
	if err := t.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if t.exists("policy/" + t.id()) {
		return domain.Refuse(domain.AlreadyExists, "policy %s: the ID was used before", t.id())
	}
	if body.Quote != "" {
		return t.bindQuote(body)
	}
	p, err := t.onSale(body.Product, body.Premium)
	if err != nil {
		return err
	}
	return t.cover(body.Product, p, body.Leg, 0)
}

// onSale loads a product that can be bought without a quote, at the premium that the buyer expects.
func (t *turn) onSale(id string, premium domain.Money) (product, error) {
	p, err := load[product](t, "product", id)
	if err != nil {
		return p, err
	}
	if err := t.checkOnSale(id, p); err != nil {
		return p, err
	}
	if price := p.Terms.Payouts.money(p.Terms.Payouts.Premium); premium != price {
		return p, domain.Refuse(domain.InvalidAmount, "premium: %d %.3q, the price is %s", premium.Minor, string(premium.Currency), price)
	}
	return p, nil
}

// bindQuote binds what the quote says. A pause does not touch it: a quote given is a promise.
func (t *turn) bindQuote(body Bind) error {
	if (body != Bind{Quote: body.Quote}) {
		return domain.Refuse(domain.Malformed, "quote: product, leg and premium are in the quote, leave them out")
	}
	q, err := load[quotation](t, "quote", body.Quote)
	if err == nil && q.Holder != t.in.Sender {
		err = domain.Refuse(domain.NotFound, "quote %s: no such record, or not yours", body.Quote)
	}
	if err != nil {
		return err
	}
	if t.in.Now >= q.ExpiresAt {
		return domain.Refuse(domain.TooLate, "quote %s has expired", body.Quote)
	}
	p, err := load[product](t, "product", q.Product)
	if err != nil {
		return err
	}
	t.retire(body.Quote, q, "bound")
	t.deadline(0, body.Quote, expireName)
	return t.cover(q.Product, p, q.Leg, q.Payouts.Highest())
}

// cover makes the policy that the command names. held is what the buyer's quote keeps.
func (t *turn) cover(id string, p product, leg Leg, held int64) error {
	s, err := t.openSale(id, &p, leg)
	if err != nil {
		return err
	}
	if err := s.sell(t, t.id(), t.in.Sender, held); err != nil {
		return err
	}
	t.putProduct(id, p)
	return s.record(t)
}

// sell checks the sale of one policy and makes it.
func (s *sale) sell(t *turn, policyID string, holder domain.PartyID, held int64) error {
	if err := s.checkBuyer(t, holder); err != nil {
		return err
	}
	if err := s.checkRoom(t, held); err != nil {
		return err
	}
	// Nothing is refused from here on, except that the buyer lacks the premium.
	highest := s.product.Terms.Payouts.Highest()
	s.product.Quoted, s.book.Quoted = s.product.Quoted-held, s.book.Quoted-held
	s.product.Locked, s.book.Exposure = s.product.Locked+highest, s.book.Exposure+highest
	s.product.Policies++
	s.book.Policies++
	if !s.book.Leg.frozen() {
		s.book.freeze(s.leg, s.voidAfter())
	}
	t.bound[holderPlace(s.legKey, holder)]++
	t.locked += highest
	s.issue(t, policyID, holder)
	return nil
}

// record writes the book after its sales. With a leg's first policy begin its deadline and its watch.
func (s *sale) record(t *turn) error {
	t.put(s.key, s.book, s.book.status())
	if s.covered {
		return nil
	}
	return s.announce(t, true)
}

// issue writes the policy with its indexes, takes the premium from the sender and locks the highest payout.
func (s *sale) issue(t *turn, id string, holder domain.PartyID) {
	terms, key := &s.product.Terms, "policy/"+id
	made := policy{
		Holder: holder, Insurer: s.product.Insurer, Product: s.id, Leg: s.leg, LegKey: s.legKey,
		Payouts: terms.Payouts, Evidence: terms.Evidence, BoundAt: t.in.Now,
	}
	t.put(key, made, "bound")
	t.put(coverKey(made, id), index{made.Insurer}, "open")
	t.put(holderKey(made, id), index{made.Insurer}, "open")
	held := escrow("policy", id)
	t.post("premium", domain.PartyAccount(t.in.Sender), held, terms.Payouts.Premium, terms.Payouts.Currency)
	t.post("lock", escrow("product", s.id), held, terms.Payouts.Highest(), terms.Payouts.Currency)
	t.event("PolicyBound", key, struct {
		Leg          string        `json:"leg"`
		Product      string        `json:"product"`
		ScheduledOut domain.Millis `json:"scheduledOut"`
		ScheduledIn  domain.Millis `json:"scheduledIn"`
		Premium      domain.Money  `json:"premium"`
		Highest      domain.Money  `json:"highest"`
	}{
		made.LegKey, s.id, s.leg.ScheduledOut, s.leg.ScheduledIn,
		terms.Payouts.money(terms.Payouts.Premium), terms.Payouts.money(terms.Payouts.Highest()),
	}, made.Holder, made.Insurer)
}

// coverKey orders the policies of one product on one leg, for settlement.
func coverKey(p policy, id string) string { return "cover/" + p.LegKey + "/" + p.Product + "/" + id }

// holderKey orders the policies of one holder on one leg.
func holderKey(p policy, id string) string { return holderPlace(p.LegKey, p.Holder) + id }

// holderPlace begins the keys of a holder's policies on a leg.
func holderPlace(leg string, holder domain.PartyID) string {
	return "holder/" + leg + "/" + string(holder) + "/"
}

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
	p, err := load[product](t, "product", body.Product)
	if err != nil {
		return err
	}
	if p.Paused {
		return domain.Refuse(domain.WrongState, "product %s: its sale is paused", body.Product)
	}
	if price := p.Terms.Payouts.money(p.Terms.Payouts.Premium); body.Premium != price {
		return domain.Refuse(domain.InvalidAmount, "premium: %d %.3q, the price is %s", body.Premium.Minor, string(body.Premium.Currency), price)
	}
	return t.cover(body.Product, p, body.Leg, 0)
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

// cover checks the sale and makes the policy. held is what the buyer's quote keeps.
func (t *turn) cover(id string, p product, leg Leg, held int64) error {
	s, err := t.openSale(id, p, leg)
	if err != nil {
		return err
	}
	if err := s.checkBuyer(t); err != nil {
		return err
	}
	if err := s.checkRoom(t, held); err != nil {
		return err
	}
	// Nothing is refused from here on, except that the buyer lacks the premium.
	highest := p.Terms.Payouts.Highest()
	s.product.Quoted, s.book.Quoted = s.product.Quoted-held, s.book.Quoted-held
	s.product.Locked, s.book.Exposure = s.product.Locked+highest, s.book.Exposure+highest
	s.product.Policies++
	s.book.Policies++
	first := s.book.Policies == 1
	if !s.book.Leg.frozen() {
		s.book.freeze(s.leg, s.voidAfter())
	}
	s.issue(t)
	if first {
		return s.announce(t, true)
	}
	return nil
}

// issue writes the policy with its indexes, takes the premium and locks the highest payout.
func (s *sale) issue(t *turn) {
	terms, key := s.product.Terms, "policy/"+t.id()
	made := policy{
		Holder: t.in.Sender, Insurer: s.product.Insurer, Product: s.id, Leg: s.leg, LegKey: s.leg.Key(),
		Payouts: terms.Payouts, Evidence: terms.Evidence, BoundAt: t.in.Now,
	}
	t.putProduct(s.id, s.product)
	t.put(s.key, s.book, s.book.status())
	t.put(key, made, "bound")
	t.put(coverKey(made, t.id()), index{made.Insurer}, "open")
	t.put(holderKey(made, t.id()), index{made.Insurer}, "open")
	held := escrow("policy", t.id())
	t.post("premium", domain.PartyAccount(made.Holder), held, terms.Payouts.Premium, terms.Payouts.Currency)
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
func holderKey(p policy, id string) string {
	return "holder/" + p.LegKey + "/" + string(p.Holder) + "/" + id
}

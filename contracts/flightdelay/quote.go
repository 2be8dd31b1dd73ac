package flightdelay

import (
	"aval/domain"
)

// MaxQuotes bounds the open quotes of one holder: a quote keeps capacity from others.
const MaxQuotes = 4

const expireName = "Expire"

// Quote is the body of quote.
type Quote struct {
	Product string `json:"product"`
	Leg     Leg    `json:"leg"`
}

// quotation is the record quote/<id>: what its holder may bind until it expires.
type quotation struct {
	Holder    domain.PartyID `json:"holder"`
	Insurer   domain.PartyID `json:"insurer"`
	Product   string         `json:"product"`
	Leg       Leg            `json:"leg"`
	LegKey    string         `json:"legKey"`
	Payouts   Payouts        `json:"payouts"`
	Evidence  Evidence       `json:"evidence"`
	GivenAt   domain.Millis  `json:"givenAt"`
	ExpiresAt domain.Millis  `json:"expiresAt"`
}

func (q quotation) parties() []domain.PartyID { return []domain.PartyID{q.Holder, q.Insurer} }

func (t *turn) quote() error {
	var body Quote
	if err := t.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if t.exists("quote/" + t.id()) {
		return domain.Refuse(domain.AlreadyExists, "quote %s: the ID was used before", t.id())
	}
	p, err := load[product](t, "product", body.Product)
	if err != nil {
		return err
	}
	s, err := t.checkQuote(body, p)
	if err != nil {
		return err
	}
	q := quotation{
		Holder: t.in.Sender, Insurer: p.Insurer, Product: s.id, Leg: s.leg, LegKey: s.legKey, Payouts: p.Terms.Payouts,
		Evidence: p.Terms.Evidence, GivenAt: t.in.Now, ExpiresAt: min(t.in.Now+minutes(p.Terms.Sale.QuoteMinutes), s.closes()),
	}
	return s.give(t, q)
}

func (t *turn) checkQuote(body Quote, p product) (*sale, error) {
	if err := t.checkOnSale(body.Product, p); err != nil {
		return nil, err
	}
	s, err := t.openSale(body.Product, &p, body.Leg)
	if err != nil {
		return nil, err
	}
	if err := s.checkBuyer(t, t.in.Sender); err != nil {
		return nil, err
	}
	if t.in.Now >= s.closes() {
		return nil, domain.Refuse(domain.TooLate, "the sale closes now: a quote would expire at once")
	}
	if open := t.view.Scan("quoted/"+string(t.in.Sender)+"/", "", MaxQuotes); len(open) >= MaxQuotes {
		return nil, domain.Refuse(domain.LimitExceeded, "you have %d open quotes, limit %d", len(open), MaxQuotes)
	}
	return s, s.checkRoom(t, 0)
}

// give keeps capacity for the quote.
func (s *sale) give(t *turn, q quotation) error {
	s.product.Quoted += q.Payouts.Highest()
	s.book.Quoted += q.Payouts.Highest()
	t.putProduct(s.id, *s.product)
	t.put(s.key, s.book, s.book.status())
	t.put("quote/"+t.id(), q, "open")
	t.put("quoted/"+string(q.Holder)+"/"+t.id(), index{q.Insurer}, "open")
	t.event("QuoteGiven", "quote/"+t.id(), struct {
		Premium domain.Money  `json:"premium"`
		Highest domain.Money  `json:"highest"`
		Until   domain.Millis `json:"until"`
	}{q.Payouts.money(q.Payouts.Premium), q.Payouts.money(q.Payouts.Highest()), q.ExpiresAt}, q.Holder, q.Insurer)
	t.deadline(q.ExpiresAt, t.id(), expireName)
	if s.fresh {
		return s.announce(t, false)
	}
	return nil
}

// retire closes a quote that was bound or expired.
func (t *turn) retire(id string, q quotation, status string) {
	t.close("quote/"+id, q, status)
	t.close("quoted/"+string(q.Holder)+"/"+id, index{q.Insurer}, "closed")
}

// expire gives back what a quote kept.
func (t *turn) expire() error {
	q, err := load[quotation](t, "quote", t.id())
	if err != nil {
		return err
	}
	if t.in.Now < q.ExpiresAt {
		return domain.Refuse(domain.TooEarly, "quote %s is still open", t.id())
	}
	p, err := load[product](t, "product", q.Product)
	if err != nil {
		return err
	}
	key := bookKey(q.LegKey, q.Product)
	b, found, err := domain.Load[book](t.view, key)
	if err != nil {
		return err
	}
	if found {
		b.Quoted -= q.Payouts.Highest()
		t.put(key, b, b.status())
	}
	p.Quoted -= q.Payouts.Highest()
	t.putProduct(q.Product, p)
	t.retire(t.id(), q, "expired")
	t.event("QuoteExpired", "quote/"+t.id(), struct{}{}, q.Holder, q.Insurer)
	return nil
}

func (p Payouts) money(minor int64) domain.Money {
	return domain.Money{Minor: minor, Currency: p.Currency}
}

package invoice

import (
	"errors"
	"slices"
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// Show gives a party its own fields of a record. Supplier, buyer and auditor see all; anybody
// else, which is the carrier, sees of a shipment its Consignment and of other records nothing.
func (contract) Show(key string, body []byte, viewer domain.PartyID) (any, error) {
	class, _, _ := strings.Cut(key, "/")
	switch class {
	case "agreement":
		a, err := decode[Agreement](body)
		if viewer != "" && (viewer == a.Terms.Bank || viewer == a.Terms.Authority) {
			return a.undertaking(), err
		}
		return show(a, viewer == "" || a.Terms.party(viewer)), err
	case "shipment":
		s, err := decode[Shipment](body)
		if viewer == "" || slices.Contains(s.insiders(), viewer) {
			return s, err
		}
		return s.consignment(), err
	case "invoice":
		b, err := decode[Bill](body)
		if viewer == "" || slices.Contains(b.insiders(), viewer) {
			return b, err
		}
		return show(b.obligation(), slices.Contains(b.everybody(), viewer)), err
	case "dispute":
		q, err := decode[Dispute](body)
		return show(q, viewer == "" || viewer == q.Supplier || viewer == q.Buyer), err
	case "trace":
		return decode[trace](body)
	case "samples":
		return decode[slice](body)
	case "register":
		return decode[register](body)
	case "device":
		return decode[binding](body)
	case "number":
		return decode[usedNumber](body)
	}
	if shown, known, err := showFinance(class, body, viewer); known {
		return shown, err
	}
	return nil, errors.New("show a record of an unknown class")
}

func decode[S any](body []byte) (state S, err error) {
	err = canon.Unmarshal(body, &state)
	return state, err
}

// show is a value or, to who may not see it, an empty object.
func show(v any, allowed bool) any {
	if !allowed {
		return struct{}{}
	}
	return v
}

// Consignment is a shipment as its carrier sees it: what to carry, how and by when, no price.
type Consignment struct {
	ID          string        `json:"id"`
	Status      string        `json:"status"`
	Devices     []string      `json:"devices"`
	Publishers  []string      `json:"publishers,omitempty"`
	SSCC        string        `json:"sscc,omitempty"`
	Container   string        `json:"container,omitempty"`
	Seals       []string      `json:"seals,omitempty"`
	Delivery    Delivery      `json:"delivery"`
	Sampling    Sampling      `json:"sampling"`
	Band        *Band         `json:"band,omitempty"`
	DespatchAt  domain.Millis `json:"despatchAt"`
	DeliverBy   domain.Millis `json:"deliverBy"`
	DeliveredAt domain.Millis `json:"deliveredAt,omitempty"`
	JudgeAt     domain.Millis `json:"judgeAt,omitempty"`
	DecideAt    domain.Millis `json:"decideAt,omitempty"`
}

// Commitment is an agreement as its bank and its authority see it: no order and no unit price.
type Commitment struct {
	ID          string          `json:"id"`
	Status      string          `json:"status"`
	TermsHash   string          `json:"termsHash"`
	Supplier    domain.PartyID  `json:"supplier"`
	Buyer       domain.PartyID  `json:"buyer"`
	Currency    domain.Currency `json:"currency"`
	MaxPayable  int64           `json:"maxPayable"`
	PaymentDays int64           `json:"paymentDays"`
	ExpiresAt   domain.Millis   `json:"expiresAt"`
	Undertaken  bool            `json:"undertaken"`
	Suspension  *Suspension     `json:"suspension,omitempty"`
}

func (a Agreement) undertaking() Commitment {
	t := a.Terms
	return Commitment{a.ID, a.Status, a.TermsHash, t.Supplier, t.Buyer, t.Currency, t.MaxPayable, t.PaymentDays, t.ExpiresAt, a.Undertaken, a.Suspension}
}

// Obligation is an invoice as somebody sees it who pays or finances it: what was declared, what of
// it is approved and when it is due, no lines, reasons or unit prices.
type Obligation struct {
	ID       string         `json:"id"`
	Status   string         `json:"status"`
	Supplier domain.PartyID `json:"supplier"`
	Buyer    domain.PartyID `json:"buyer"`
	Payable  domain.Money   `json:"payable"`
	// Cleared is unconditional, Claim in question, Paid was paid; minor units.
	Cleared int64         `json:"cleared"`
	Claim   int64         `json:"claim"`
	Paid    int64         `json:"paid"`
	PayAt   domain.Millis `json:"payAt,omitempty"`
}

func (b Bill) obligation() Obligation {
	return Obligation{
		ID: b.ID, Status: b.Status, Supplier: b.Payment.Supplier, Buyer: b.Payment.Buyer, Payable: b.money(b.Payable),
		Cleared: b.Cleared, Claim: b.Claim, Paid: b.Paid, PayAt: b.PayAt,
	}
}

// Band is a temperature band in thousandths of a degree Celsius, without its price.
type Band struct {
	LowerMilli int64 `json:"lowerMilli"`
	UpperMilli int64 `json:"upperMilli"`
}

func (s Shipment) consignment() Consignment {
	c := Consignment{
		ID: s.ID, Status: s.Status, Devices: s.Devices, SSCC: s.SSCC, Delivery: s.Carriage.Delivery, Sampling: s.Carriage.Sampling,
		Publishers: s.Publishers, Container: s.Container, Seals: s.Seals,
		DespatchAt: s.DespatchAt, DeliverBy: s.deliverBy(), JudgeAt: s.JudgeAt, DecideAt: s.DecideAt,
	}
	if band := s.Carriage.Condition; band != nil {
		c.Band = &Band{LowerMilli: band.LowerMilli, UpperMilli: band.UpperMilli}
	}
	if s.Judgement != nil {
		c.DeliveredAt = s.Judgement.DeliveredAt
	}
	return c
}

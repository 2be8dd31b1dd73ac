package invoice

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"aval/domain"
)

// ShippedLine is what of an order line a shipment carries, and what became of it.
type ShippedLine struct {
	// Line is the ID of the order line, Quantity decimal text in its unit.
	Line     string `json:"line"`
	Quantity string `json:"quantity"`
	// Advice is the buyer's receipt; nil while there is none.
	Advice *Advice `json:"advice,omitempty"`
	// Accepted and Consented are what the order counts of it at present.
	Accepted  string `json:"accepted,omitempty"`
	Consented string `json:"consented,omitempty"`
}

// ReceiptAdvice is the body of receive. Without lines everything arrived as despatched.
type ReceiptAdvice struct {
	// At is when the goods were received; 0 is now. Not before despatch nor in the future.
	At    domain.Millis `json:"at,omitempty"`
	Lines []Advice      `json:"lines,omitempty"`
	// Seals are the numbers that were found on the goods; left out says nothing of them.
	Seals []string `json:"seals,omitempty"`
}

// Advice is a line of a receipt advice, in the words of UBL's ReceiptLine. Quantities are decimal
// text in the unit of the order line; left out is zero. Received counts all that arrived: received
// + short = despatched + oversupply. Accepted is received - rejected - oversupply that is not kept.
type Advice struct {
	Line       string `json:"line"`
	Received   string `json:"received,omitempty"`
	Short      string `json:"short,omitempty"`
	Rejected   string `json:"rejected,omitempty"`
	Oversupply string `json:"oversupply,omitempty"`
	// Reason is UBL's RejectReasonCode, needed with a rejection: 1 to 3 capitals or digits.
	Reason string `json:"reason,omitempty"`
	// Action is UBL's RejectActionCode or ShortageActionCode: "1" replace, "2" credit and cancel.
	Action string `json:"action,omitempty"`
	// Keep is the buyer's consent to an oversupply: it may be invoiced.
	Keep bool `json:"keep,omitempty"`
}

// MaxReasonLength bounds a reason code of a receipt.
const MaxReasonLength = 3

// received tells everybody what arrived; it names no price.
type received struct {
	At     domain.Millis `json:"at"`
	Status string        `json:"status"`
	Lines  []Advice      `json:"lines,omitempty"`
}

// receive takes the buyer's receipt of goods. It proves their delivery if no sensor did, and a
// later one replaces it until an invoice about the goods is approved.
func (d *draft) receive() error {
	var body ReceiptAdvice
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	s, err := d.shipment(Despatched, InTransit, GoodsDelivered, Inspection, Conditional, GoodsAccepted, DeemedAccepted, GoodsRejected)
	if err != nil {
		return err
	}
	if err := d.only("buyer", s.Carriage.Buyer); err != nil {
		return err
	}
	if body.At == 0 {
		body.At = d.in.Now
	}
	if body.At < s.DespatchAt || body.At > d.in.Now {
		return domain.Refuse(domain.Malformed, "at: want an instant from despatch to now")
	}
	if err := d.unapproved(s); err != nil {
		return err
	}
	if err := s.advise(body.Lines); err != nil {
		return err
	}
	if len(body.Seals) > maxOpeningSeals {
		return domain.Refuse(domain.LimitExceeded, "seals: %d, limit %d", len(body.Seals), maxOpeningSeals)
	}
	s.FoundSeals = body.Seals
	if err := d.arrive(s, body.At); err != nil {
		return err
	}
	if err := d.compareSeals(s); err != nil {
		return err
	}
	s.Received = true
	status := s.outcome()
	if s.foundOtherSeals() {
		status = Conditional
	}
	d.event("GoodsReceived", shipmentKey(s.ID), received{body.At, status, body.Lines}, s.everybody()...)
	if s.foundOtherSeals() {
		return d.inspect(s)
	}
	d.settleGoods(s, status)
	return d.advanceAll(s)
}

// compareSeals notes in a judgement that came before what the buyer found.
func (d *draft) compareSeals(s *Shipment) error {
	if !s.Carriage.Delivery.Sealed || s.Swept || slices.Contains(s.Judgement.Incomplete, SealBroken) {
		return nil
	}
	tracks, err := d.tracks(*s)
	if err == nil && s.otherSeals(tracks) {
		s.Judgement.Incomplete = append(s.Judgement.Incomplete, SealBroken)
	}
	return err
}

// foundOtherSeals says whether what the buyer found speaks against the load.
func (s *Shipment) foundOtherSeals() bool {
	return len(s.FoundSeals) > 0 && slices.Contains(s.Judgement.Incomplete, SealBroken)
}

// unapproved refuses once an invoice about the goods is unconditional.
func (d *draft) unapproved(s *Shipment) error {
	if s.Ended && len(s.Bills) == 0 && s.InvoiceBy == 0 {
		return domain.Refuse(domain.WrongState, "shipment is %s", s.Status)
	}
	bills, err := d.billsOf(s)
	if err != nil {
		return err
	}
	for _, b := range bills {
		if b.PayAt != 0 || b.settled() {
			return domain.Refuse(domain.WrongState, "invoice %s is %s: what was received is settled", b.ID, b.Status)
		}
	}
	return nil
}

// advise puts a receipt on the lines of a shipment.
func (s *Shipment) advise(lines []Advice) error {
	if len(lines) > MaxLines {
		return domain.Refuse(domain.LimitExceeded, "lines: %d, limit %d", len(lines), MaxLines)
	}
	for i := range s.Lines {
		s.Lines[i].Advice = &Advice{Line: s.Lines[i].Line, Received: s.Lines[i].Quantity}
	}
	seen := map[string]bool{}
	for _, advice := range lines {
		line := s.line(advice.Line)
		if line == nil || seen[advice.Line] {
			return domain.Refuse(domain.Malformed, "lines: %.64q was not despatched, or stands twice", advice.Line)
		}
		seen[advice.Line] = true
		if err := advice.check(line.Quantity); err != nil {
			return err
		}
		line.Advice = &advice
	}
	return nil
}

func (s *Shipment) line(id string) *ShippedLine {
	for i := range s.Lines {
		if s.Lines[i].Line == id {
			return &s.Lines[i]
		}
	}
	return nil
}

// check refuses quantities that do not add up to what was despatched.
func (a Advice) check(despatched string) error {
	var q [4]decimal.Decimal
	for i, text := range []string{a.Received, a.Short, a.Rejected, a.Oversupply} {
		if text == "" {
			continue
		}
		var err error
		if q[i], err = plain("lines", text); err != nil {
			return domain.Refuse(domain.Malformed, "lines: %.20q is no quantity", text)
		}
	}
	if !q[0].Add(q[1]).Equal(stored(despatched).Add(q[3])) {
		return domain.Refuse(domain.Malformed, "lines: received and short of %.64q are not what was despatched and oversupplied", a.Line)
	}
	if q[2].GreaterThan(q[0]) || q[3].GreaterThan(q[0]) {
		return domain.Refuse(domain.Malformed, "lines: more of %.64q rejected or oversupplied than received", a.Line)
	}
	if (a.Reason != "" || q[2].IsPositive()) && !reasonCode(a.Reason) {
		return domain.Refuse(domain.Malformed, "lines: reason wants 1 to %d capitals or digits", MaxReasonLength)
	}
	if a.Action != "" && a.Action != "1" && a.Action != "2" {
		return domain.Refuse(domain.Malformed, "lines: action %.8q is neither 1, replace, nor 2, credit and cancel", a.Action)
	}
	return nil
}

func reasonCode(text string) bool {
	return text != "" && len(text) <= MaxReasonLength && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// outcome is the end of received goods: all, a part, or nothing of them was accepted.
func (s *Shipment) outcome() string {
	whole, none := true, len(s.Lines) > 0
	for _, l := range s.Lines {
		accepted := l.accepted()
		whole = whole && accepted.GreaterThanOrEqual(stored(l.Quantity))
		none = none && accepted.IsZero()
	}
	switch {
	case none:
		return GoodsRejected
	case whole:
		return GoodsAccepted
	}
	return Conditional
}

// accepted is what the buyer took of a line; without its word that is what was despatched.
func (l ShippedLine) accepted() decimal.Decimal {
	a := l.Advice
	if a == nil {
		return stored(l.Quantity)
	}
	accepted := stored(a.Received).Sub(stored(a.Rejected))
	if !a.Keep {
		accepted = accepted.Sub(stored(a.Oversupply))
	}
	return decimal.Max(decimal.Zero, accepted)
}

// consented is what of an oversupply the buyer keeps.
func (l ShippedLine) consented() decimal.Decimal {
	if a := l.Advice; a != nil && a.Keep {
		return stored(a.Oversupply)
	}
	return decimal.Zero
}

// recount tells the order what it may count of a shipment at its present end.
func (d *draft) recount(s *Shipment) {
	if len(s.Lines) == 0 {
		return
	}
	a, _, err := d.agreements.fetch(d.view, agreementKey(s.Agreement))
	if err != nil || a == nil {
		d.fail(err)
		return
	}
	d.agreements.touch(a)
	for i := range s.Lines {
		l := &s.Lines[i]
		accepted, consented := l.accepted(), l.consented()
		if s.failed() && !s.Received {
			accepted, consented = decimal.Zero, decimal.Zero
		}
		p := a.progress(l.Line)
		p.Accepted = plus(p.Accepted, accepted.Sub(stored(l.Accepted)))
		p.Consented = plus(p.Consented, consented.Sub(stored(l.Consented)))
		l.Accepted, l.Consented = plus("", accepted), plus("", consented)
	}
}

// loads checks what a shipment carries against the order, and counts it as shipped.
func (s *Shipment) loads(a *Agreement) error {
	if len(s.Lines) > MaxLines || (len(s.Lines) == 0) != (len(a.Terms.Lines) == 0) {
		return domain.Refuse(domain.LimitExceeded, "lines: %d, want 1 to %d under an order with lines, and none under any other", len(s.Lines), MaxLines)
	}
	for i, l := range s.Lines {
		if _, known := a.Terms.line(l.Line); !known || s.line(l.Line) != &s.Lines[i] {
			return domain.Refuse(domain.Malformed, "lines: %.64q is not in the order, or stands twice", l.Line)
		}
		quantity, err := plain("lines", l.Quantity)
		if err != nil || !quantity.IsPositive() || l.Advice != nil || l.Accepted != "" || l.Consented != "" {
			return domain.Refuse(domain.Malformed, "lines: want line and a quantity of more than zero")
		}
		p := a.progress(l.Line)
		p.Shipped = plus(p.Shipped, quantity)
	}
	return nil
}

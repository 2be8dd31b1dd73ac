package invoice

import (
	"slices"

	"github.com/shopspring/decimal"

	"aval/domain"
)

// BillLine is a line of an invoice. Decimal text, as in OrderLine.
type BillLine struct {
	// Line is the ID of the order line, BT-132 of EN 16931.
	Line     string `json:"line"`
	Quantity string `json:"quantity"`
	Unit     string `json:"unit"`
	// Price is that of one unit in major units, without tax.
	Price string `json:"price"`
	// Agreed and Spare are the price and its tolerance of the order when the invoice was declared, so that no amendment changes them.
	Agreed string `json:"agreed,omitempty"`
	Spare  string `json:"spare,omitempty"`
	// Counted is what the order counts as billed by it.
	Counted string `json:"counted,omitempty"`
}

// Mismatch is what of an invoice the order or the receipt does not cover.
type Mismatch struct {
	// Line is of the order; without lines Shipment is one that brought nothing, on its equal share.
	Line     string `json:"line,omitempty"`
	Shipment string `json:"shipment,omitempty"`
	// Reason and Action are codes of the Peppol Invoice Response: QTY, PRI, DEL or QUA, and CNP, a partial credit note.
	Reason string `json:"reason"`
	Action string `json:"action"`
	// Quantity is what was invoiced above what is payable, Price above what was agreed; either is empty.
	Quantity string `json:"quantity,omitempty"`
	Price    string `json:"price,omitempty"`
	// Minor is its share of the declared payable, tax included, in minor units.
	Minor int64 `json:"minor"`
	// Tolerated says that it lies within the tolerance: the lower is paid without a question.
	Tolerated bool `json:"tolerated,omitempty"`
}

// The reasons and actions that this contract gives of itself.
const (
	ByQuantity    = "QTY"
	ByPrice       = "PRI"
	ByDelivery    = "DEL"
	ByQuality     = "QUA"
	CreditPartial = "CNP"
)

// match compares an invoice with what was ordered, received and billed before, line by line, and
// counts what is payable as billed. Of two invoices for one thing the one that is matched first counts.
func (d *draft) match(b *Bill) ([]Mismatch, error) {
	if len(b.Lines) == 0 {
		return d.brought(b)
	}
	a, found, err := d.agreements.fetch(d.view, agreementKey(b.Agreement))
	if err != nil || !found {
		return nil, firstError(err, domain.Refuse(domain.NotFound, "agreement %.64q is not open", b.Agreement))
	}
	d.agreements.touch(a)
	d.bills.touch(b)
	var all []Mismatch
	for i := range b.Lines {
		found, err := a.compare(b, &b.Lines[i])
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// brought finds the shipments that brought nothing, for an invoice without lines: each stands for an equal share of it.
func (d *draft) brought(b *Bill) ([]Mismatch, error) {
	goods, err := d.goods(b)
	if err != nil || len(goods) == 0 || b.Payment.OnTerms {
		return nil, err
	}
	equal := make([]int64, len(goods))
	for i := range equal {
		equal[i] = 1
	}
	shares, err := domain.Allocate(b.Payable, equal)
	if err != nil {
		return nil, err
	}
	var all []Mismatch
	for i, s := range goods {
		if !s.failed() {
			continue
		}
		reason := ByDelivery
		if s.Judgement != nil {
			reason = ByQuality
		}
		all = append(all, Mismatch{Shipment: s.ID, Reason: reason, Action: CreditPartial, Minor: shares[i]})
	}
	return all, nil
}

// compared says whether the invoice was matched before.
func (b *Bill) compared() bool {
	return len(b.Mismatches) > 0 || slices.ContainsFunc(b.Lines, func(l BillLine) bool { return l.Counted != "" })
}

// compare finds what one line of an invoice asks for too much.
func (a *Agreement) compare(b *Bill, l *BillLine) ([]Mismatch, error) {
	order, _ := a.Terms.line(l.Line)
	spare, err := order.spare()
	if err != nil {
		return nil, err
	}
	p, quantity, price := a.progress(l.Line), stored(l.Quantity), stored(l.Price)
	most := stored(order.Quantity).Add(spare.quantity).Add(stored(p.Consented))
	if !b.Payment.OnTerms {
		most = decimal.Min(most, stored(p.Accepted))
	}
	open := decimal.Max(decimal.Zero, most.Sub(stored(p.Billed)))
	excess := decimal.Max(decimal.Zero, quantity.Sub(open))
	l.Counted = plus("", quantity.Sub(excess))
	p.Billed = plus(p.Billed, quantity.Sub(excess))
	var all []Mismatch
	if excess.IsPositive() {
		minor, err := b.worth(excess.Mul(price))
		if err != nil {
			return nil, err
		}
		all = append(all, Mismatch{
			Line: l.Line, Reason: ByQuantity, Action: CreditPartial, Quantity: excess.String(), Minor: minor, Tolerated: excess.LessThanOrEqual(spare.quantity),
		})
	}
	if above := price.Sub(stored(l.Agreed)); above.GreaterThan(stored(l.Spare)) {
		minor, err := b.worth(quantity.Sub(excess).Mul(above))
		if err != nil {
			return nil, err
		}
		all = append(all, Mismatch{Line: l.Line, Reason: ByPrice, Action: CreditPartial, Price: above.String(), Minor: minor})
	}
	return all, nil
}

// worth is the share of the declared payable that a part of the lines' net sum stands for, so
// that tax and charges follow it; rounded once.
func (b *Bill) worth(part decimal.Decimal) (int64, error) {
	sum := decimal.Zero
	for _, l := range b.Lines {
		sum = sum.Add(stored(l.Quantity).Mul(stored(l.Price)))
	}
	if sum.IsZero() {
		return 0, nil
	}
	exponent, err := b.Payment.Currency.Exponent()
	if err != nil {
		return 0, err
	}
	minor, _, err := domain.Round(decimal.New(b.Payable, -exponent).Mul(part).DivRound(sum, 20), b.Payment.Currency)
	return min(minor, b.Payable), err
}

// count takes all that an invoice asks for as billed, or nothing of it.
func (d *draft) recountBill(b *Bill, whole bool) {
	if len(b.Lines) == 0 {
		return
	}
	a, _, err := d.agreements.fetch(d.view, agreementKey(b.Agreement))
	if err != nil || a == nil {
		d.fail(err)
		return
	}
	d.agreements.touch(a)
	for i := range b.Lines {
		l, counted := &b.Lines[i], decimal.Zero
		if whole {
			counted = stored(l.Quantity)
		}
		p := a.progress(l.Line)
		p.Billed = plus(p.Billed, counted.Sub(stored(l.Counted)))
		l.Counted = plus("", counted)
	}
}

// excepted tells insiders what does not match, and until when the supplier is asked.
type excepted struct {
	Mismatches []Mismatch    `json:"mismatches"`
	Claim      domain.Money  `json:"claim"`
	AnswerAt   domain.Millis `json:"answerAt,omitempty"`
}

// matched moves an invoice on whose goods have met their end: what is short within the tolerance
// is deducted, what goes beyond is asked about, and the rest is approved.
func (d *draft) matched(b *Bill) error {
	mismatches, err := d.match(b)
	if err != nil {
		return err
	}
	b.Mismatches, b.Claim = mismatches, 0
	for _, m := range mismatches {
		if m.Tolerated {
			b.Deductions = append(b.Deductions, Deduction{Kind: ForQuantity, Line: m.Line, Minor: m.Minor, Reason: m.Reason})
			continue
		}
		b.Claim, b.Reason = b.Claim+m.Minor, m.Reason
	}
	b.Claim = min(b.Claim, b.net())
	d.bills.touch(b)
	if len(mismatches) > 0 {
		answerAt := domain.Millis(0)
		if b.Claim > 0 {
			answerAt = d.in.Now + b.Payment.ResponseMillis
		}
		d.event("InvoiceExcepted", billKey(b.ID), excepted{mismatches, b.money(b.Claim), answerAt}, b.insiders()...)
	}
	if b.Claim == 0 {
		return d.approve(b)
	}
	b.Status, b.AnswerAt = Exception, d.in.Now+b.Payment.ResponseMillis
	return d.clear(b)
}

// price notes what was agreed for the lines of an invoice, and refuses those that are not in the order or in another unit.
func (a *Agreement) price(lines []BillLine) error {
	if len(lines) > MaxLines || (len(lines) == 0) != (len(a.Terms.Lines) == 0) {
		return domain.Refuse(domain.LimitExceeded, "lines: %d, want 1 to %d under an order with lines, and none under any other", len(lines), MaxLines)
	}
	for i, l := range lines {
		order, known := a.Terms.line(l.Line)
		if !known {
			return domain.Refuse(domain.Malformed, "lines: %.64q is not in the order", l.Line)
		}
		for _, earlier := range lines[:i] {
			if earlier.Line == l.Line {
				return domain.Refuse(domain.Malformed, "lines: %.64q stands twice", l.Line)
			}
		}
		if l.Unit != order.Unit {
			return domain.Refuse(domain.Malformed, "lines: %.64q was ordered in %s", l.Line, order.Unit)
		}
		quantity, err := plain("lines", l.Quantity)
		if err != nil || !quantity.IsPositive() || l.Counted != "" || l.Agreed != "" || l.Spare != "" {
			return domain.Refuse(domain.Malformed, "lines: want a quantity of more than zero")
		}
		if _, err := plain("lines", l.Price); err != nil {
			return domain.Refuse(domain.Malformed, "lines: price %.20q is no plain decimal", l.Price)
		}
		spare, err := order.spare()
		if err != nil {
			return err
		}
		lines[i].Agreed, lines[i].Spare = order.Price, plus("", spare.price)
	}
	return nil
}

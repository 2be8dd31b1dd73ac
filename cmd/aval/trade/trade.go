// Package trade turns documents of trade into the bodies of invoice/1 commands, and says of a record
// what is awaited next and from whom. It decides nothing: what a document leaves out is for the
// user to say, and what it says is for the contract to judge.
package trade

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"aval/contracts/invoice"
	"aval/contracts/invoice/ubl"
	"aval/domain"
	"aval/domain/ident"
)

// maxID is how long an ID on the ledger may be.
const maxID = 64

// ID makes an ID for the ledger of a number in a document: letters, digits, '.', '_' and '-' stay, anything else
// becomes '-'. Two numbers may make one ID; the ledger then refuses the second, and the user names another.
func ID(number string) (string, error) {
	id := strings.Map(func(r rune) rune {
		if r < 128 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)) {
			return r
		}
		return '-'
	}, number)
	if strings.Trim(id, "-.") == "" || len(id) > maxID {
		return "", fmt.Errorf("number %.80q makes no ID for the ledger: name one with --id", number)
	}
	return id, nil
}

// Proposal takes the lines of an order into terms that say all that an order does not: proofs, times, shares. What the terms name themselves stays.
func Proposal(o *ubl.Order, terms invoice.Terms, answerBy domain.Millis) (invoice.Proposal, error) {
	if terms.Currency == "" {
		terms.Currency = o.Currency
	}
	if terms.Currency != o.Currency {
		return invoice.Proposal{}, fmt.Errorf("the order is in %s, the terms in %s", o.Currency, terms.Currency)
	}
	if terms.MaxPayable == 0 && o.Totals.Payable != nil {
		terms.MaxPayable = o.Totals.Payable.Minor
	}
	tolerances := map[string]*invoice.Tolerance{}
	for _, l := range terms.Lines {
		tolerances[l.ID] = l.Tolerance
	}
	terms.Lines = nil
	for _, l := range o.Lines {
		unit, price, err := priced(l)
		if err != nil {
			return invoice.Proposal{}, err
		}
		terms.Lines = append(terms.Lines, invoice.OrderLine{
			ID: l.ID, Item: itemName(l.Item), Quantity: l.Quantity.Value.String(), Unit: unit, Price: price, Tolerance: tolerances[l.ID],
		})
	}
	return invoice.Proposal{Terms: terms, AnswerBy: answerBy}, nil
}

// itemName is the surest name of a thing.
func itemName(i ubl.Item) string {
	for _, name := range []string{i.Standard.Value, i.SellersID, i.BuyersID} {
		if name != "" {
			return name
		}
	}
	return i.Name
}

// priced gives unit and price of one unit. A price for a thousand is divided, exactly or not at all.
func priced(l ubl.Line) (unit, price string, err error) {
	if l.Quantity == nil || l.Price == "" {
		return "", "", fmt.Errorf("line %.64q has no quantity or no price", l.ID)
	}
	each, err := decimal.NewFromString(l.Price)
	if err != nil {
		return "", "", fmt.Errorf("price of line %.64q: %w", l.ID, err)
	}
	if l.PriceBase != "" {
		base, err := decimal.NewFromString(l.PriceBase)
		if err != nil || !base.IsPositive() {
			return "", "", fmt.Errorf("line %.64q has a price for %.40q", l.ID, l.PriceBase)
		}
		one := each.DivRound(base, priceDecimals)
		if !one.Mul(base).Equal(each) {
			return "", "", fmt.Errorf("line %.64q: %s / %s has more than %d decimals", l.ID, each, base, priceDecimals)
		}
		each = one
	}
	return l.Quantity.Unit, each.String(), nil
}

// priceDecimals is how many decimals a price on the ledger has at most.
const priceDecimals = 6

// Opening takes a despatch advice: what of the order it carries, and the first handling unit that has a right SSCC.
func Opening(d *ubl.Despatch, agreement invoice.Agreement, devices []string) (invoice.Opening, error) {
	body := invoice.Opening{Agreement: agreement.ID, Devices: devices}
	for _, u := range d.Units {
		if body.SSCC == "" && ident.CheckSSCC("sscc", u.ID) == nil {
			body.SSCC = u.ID
		}
	}
	if len(agreement.Terms.Lines) == 0 {
		return body, nil
	}
	for _, l := range d.Lines {
		if l.OrderLine == "" || l.Delivered == nil {
			return body, fmt.Errorf("line %.64q names no order line, or no quantity", l.ID)
		}
		body.Lines = append(body.Lines, invoice.ShippedLine{Line: l.OrderLine, Quantity: l.Delivered.Value.String()})
	}
	return body, nil
}

// Declaration takes an invoice, with the hash of its file. Its despatch references name the shipments, and others may be named beside.
func Declaration(d ubl.Document, agreement invoice.Agreement, shipments []string) (invoice.Declaration, error) {
	i := d.Invoice
	if i.Totals.Payable == nil {
		return invoice.Declaration{}, errors.New("no payable amount")
	}
	body := invoice.Declaration{
		Agreement: agreement.ID, Number: i.Number, TypeCode: i.TypeCode, Payable: *i.Totals.Payable, DocumentSHA256: d.SHA256, Shipments: shipments,
	}
	for _, ref := range i.Despatches {
		id, err := ID(ref.ID)
		if err != nil {
			return body, err
		}
		if len(shipments) == 0 {
			body.Shipments = append(body.Shipments, id)
		}
	}
	if len(agreement.Terms.Lines) == 0 {
		return body, nil
	}
	for _, l := range i.Lines {
		unit, price, err := priced(l)
		if err != nil {
			return body, err
		}
		if l.OrderLine == "" {
			return body, fmt.Errorf("line %.64q names no order line (BT-132)", l.ID)
		}
		if at := slices.IndexFunc(body.Lines, func(b invoice.BillLine) bool { return b.Line == l.OrderLine && b.Unit == unit && b.Price == price }); at >= 0 {
			sum, err := decimal.NewFromString(body.Lines[at].Quantity) // an order line that is invoiced in parts counts once
			if err != nil {
				return body, err
			}
			body.Lines[at].Quantity = sum.Add(l.Quantity.Value).String()
			continue
		}
		body.Lines = append(body.Lines, invoice.BillLine{Line: l.OrderLine, Quantity: l.Quantity.Value.String(), Unit: unit, Price: price})
	}
	return body, nil
}

// Credits says whether an invoice or a credit note gives money back, in either style: a credit note, or a negative invoice.
func Credits(d ubl.Document) bool {
	return d.Credits() || d.Invoice != nil && d.Invoice.Totals.Payable != nil && d.Invoice.Totals.Payable.Minor < 0
}

// Crediting takes a credit note or a negative invoice. It is about the one invoice that it refers to; with several, or none, it is unmatched.
func Crediting(d ubl.Document, agreement invoice.Agreement) (invoice.Crediting, error) {
	i := d.Invoice
	if i.Totals.Payable == nil {
		return invoice.Crediting{}, errors.New("no payable amount")
	}
	body := invoice.Crediting{Agreement: agreement.ID, Number: i.Number, TypeCode: i.TypeCode, Amount: *i.Totals.Payable, DocumentSHA256: d.SHA256}
	if len(i.Preceding) != 1 {
		return body, nil
	}
	id, err := ID(i.Preceding[0].ID)
	body.Invoice = id
	return body, err
}

// Receipt takes a receipt advice about goods. Keep is the receiver's consent to what is too much.
func Receipt(r *ubl.Receipt, keep bool) (invoice.ReceiptAdvice, error) {
	var body invoice.ReceiptAdvice
	if r.About == ubl.AboutDespatch {
		return body, errors.New("this receipt advice answers the despatch advice and not the goods (type D): there is nothing to book")
	}
	for _, l := range r.Lines {
		if l.OrderLine == "" {
			return body, fmt.Errorf("line %.64q names no order line", l.ID)
		}
		advice := invoice.Advice{
			Line: l.OrderLine, Received: text(l.Received), Short: text(l.Short), Rejected: text(l.Rejected), Oversupply: text(l.Oversupply),
			Reason: l.RejectReason, Action: l.RejectAction, Keep: keep && l.Oversupply != nil,
		}
		if advice.Action == "" {
			advice.Action = l.ShortAction
		}
		body.Lines = append(body.Lines, advice)
	}
	return body, nil
}

func text(q *ubl.Quantity) string {
	if q == nil {
		return ""
	}
	return q.Value.String()
}

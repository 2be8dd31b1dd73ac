package reports

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"aval/contracts/invoice"
	"aval/domain"
	"aval/domain/calendar"
)

// Bill is an invoice as reports need it, whoever of its parties looks.
type Bill struct {
	Invoice string         `json:"invoice"`
	Number  string         `json:"number,omitempty"`
	Status  string         `json:"status"`
	Due     domain.Date    `json:"due,omitempty"`
	From    domain.PartyID `json:"supplier"`
	To      domain.PartyID `json:"buyer"`
	// Payable was declared, Deducted is taken off so far, Questioned is in question, Paid was paid.
	Payable    domain.Money `json:"payable"`
	Deducted   domain.Money `json:"deducted"`
	Questioned domain.Money `json:"questioned"`
	Paid       domain.Money `json:"paid"`
	// Open is what is still to be paid: unconditionally once Approved, as it stands before.
	Open     domain.Money `json:"open"`
	Approved bool         `json:"approved"`
	// Interest is what lateness has cost so far.
	Interest domain.Money `json:"interest"`
	payer    domain.PartyID
	ended    bool
}

// ReadBill reads an invoice's fields as the ledger shows them to one of its parties. ok is false for what shows none.
func ReadBill(fields []byte, asOf domain.Date) (b Bill, ok bool, err error) {
	var form struct {
		Payment *json.RawMessage `json:"payment"`
		Payable json.RawMessage  `json:"payable"`
	}
	if err := json.Unmarshal(fields, &form); err != nil || form.Payable == nil {
		return b, false, err
	}
	if form.Payment == nil {
		var o invoice.Obligation
		err := json.Unmarshal(fields, &o)
		return ofObligation(o), err == nil, err
	}
	var whole invoice.Bill
	if err := json.Unmarshal(fields, &whole); err != nil {
		return b, false, err
	}
	b, err = ofBill(whole, asOf)
	return b, err == nil, err
}

func ofObligation(o invoice.Obligation) Bill {
	money := func(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: o.Payable.Currency} }
	b := Bill{
		Invoice: o.ID, Status: o.Status, From: o.Supplier, To: o.Buyer, Payable: o.Payable, Deducted: money(0), Interest: money(0),
		Questioned: money(o.Claim), Paid: money(o.Paid), Approved: o.Cleared > 0, ended: ended(o.Status), payer: o.Buyer,
	}
	if o.PayAt != 0 {
		b.Due = domain.Day(o.PayAt)
	}
	b.Open = money(open(b, o.Cleared))
	return b
}

func ofBill(w invoice.Bill, asOf domain.Date) (Bill, error) {
	money := func(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: w.Payment.Currency} }
	b := Bill{
		Invoice: w.ID, Number: w.Number, Status: w.Status, Due: w.DueOn, From: w.Payment.Supplier, To: w.Payment.Buyer, Payable: money(w.Payable),
		Questioned: money(w.Claim), Paid: money(w.Paid), Approved: w.Cleared > 0, Interest: money(w.Interest + w.Fee), ended: ended(w.Status),
		payer: cmp.Or(w.Creditor, w.Payment.Payer, w.Payment.Buyer),
	}
	for _, d := range w.Deductions {
		b.Deducted.Minor += d.Minor
	}
	b.Deducted.Currency = w.Payment.Currency
	if b.Due == "" && w.PayAt != 0 {
		b.Due = domain.Day(w.PayAt)
	}
	if p := w.Payoff; p != nil {
		b.Paid = money(p.Paid)
	}
	b.Open = money(open(b, w.Cleared))
	return b, b.accrue(w, asOf)
}

// accrue adds the interest up to a day, which is paid with the debt.
func (b *Bill) accrue(w invoice.Bill, asOf domain.Date) error {
	if b.ended || b.Open.Minor == 0 || w.Payment.Debt == nil || w.Payment.Debt.Late == nil || w.DueOn == "" || asOf <= w.DueOn {
		return nil
	}
	late, _, err := w.Payment.Debt.Late.Due(b.Open, w.DueOn, asOf)
	b.Interest.Minor += late.Minor
	if w.Fee == 0 { // owed once
		b.Interest.Minor += w.Payment.Debt.Late.FixedFee
	}
	return err
}

// open is what is still to be paid of what is cleared, or before that of what is left of the payable.
func open(b Bill, cleared int64) int64 {
	switch {
	case b.ended:
		return 0
	case b.Approved:
		return max(0, cleared-b.Paid.Minor)
	}
	return max(0, b.Payable.Minor-b.Deducted.Minor)
}

func ended(status string) bool {
	return slices.Contains([]string{invoice.Settled, invoice.Rejected, invoice.Credited, invoice.Paid}, status)
}

// age says how a day lies to another: a week, a month, later, or in the past.
func age(due, asOf domain.Date) string {
	if due == "" {
		return notDue
	}
	days, err := calendar.Days(asOf, due)
	switch {
	case err != nil:
		return notDue
	case days < 0:
		return overdue
	case days <= 7:
		return "due within 7 days"
	case days <= 30:
		return "due within 30 days"
	}
	return "due later"
}

const (
	overdue = "overdue"
	notDue  = "not approved yet"
)

var ages = []string{overdue, "due within 7 days", "due within 30 days", "due later", notDue}

// byDue orders by due day, those without one last, then by ID.
func byDue(a, b Bill) int {
	none := func(d domain.Date) domain.Date { return cmp.Or(d, "~") }
	return cmp.Or(strings.Compare(string(none(a.Due)), string(none(b.Due))), strings.Compare(a.Invoice, b.Invoice))
}

// Payable is a line of a buyer's payables.
type Payable struct {
	Bill
	// PayTo is who is to be paid: the supplier, or whom a notice of assignment names.
	PayTo domain.PartyID `json:"payTo"`
}

func (p Payable) cells() []string {
	return []string{
		string(p.Due), p.Invoice, p.Number, string(p.From), string(p.PayTo), p.Status, string(p.Payable.Currency), amount(p.Payable), amount(p.Deducted),
		amount(p.Questioned), amount(p.Open), amount(p.Interest), count(p.Open.Minor),
	}
}

// Payables lists what a party has to pay, by due day. assigned says for an invoice whom a notice names; all lists settled invoices too.
func Payables(party domain.PartyID, asOf domain.Date, bills []Bill, assigned map[string]domain.PartyID, all bool) (Sheet, error) {
	s := Sheet{Report: "payables", Party: party, AsOf: asOf, Rows: []Row{}, head: []column{
		{name: "due"}, {name: "invoice"}, {name: "number"}, {name: "supplier"}, {name: "payTo"}, {name: "status"}, {name: "currency"}, {name: "payable", number: true},
		{name: "deducted", number: true}, {name: "questioned", number: true}, {name: "open", number: true}, {name: "interest", number: true}, {name: "openMinor", number: true, hidden: true},
	}}
	var t sums
	for _, b := range slices.SortedFunc(slices.Values(bills), byDue) {
		if b.payer != party && b.To != party || b.ended && !all {
			continue
		}
		s.Rows = append(s.Rows, Payable{b, cmp.Or(assigned[b.Invoice], b.From)})
		if !b.ended {
			t.add(age(b.Due, asOf), b.Open)
		}
	}
	var err error
	s.Totals, err = t.totals(ages...)
	return s, err
}

// Receivable is a line of a supplier's receivables.
type Receivable struct {
	Bill
	// Financing is the status of its receivable, Controller who is owed, Advance what a financier paid for it.
	Financing  string         `json:"financing"`
	Controller domain.PartyID `json:"controller"`
	Advance    domain.Money   `json:"advance"`
	// Expected is what the supplier will still get of it.
	Expected domain.Money `json:"expected"`
}

func (r Receivable) cells() []string {
	return []string{
		string(r.Due), r.Invoice, r.Number, string(r.To), r.Status, r.Financing, string(r.Controller), string(r.Payable.Currency), amount(r.Payable),
		amount(r.Questioned), amount(r.Advance), amount(r.Expected), count(r.Expected.Minor),
	}
}

// Receivables lists what a supplier is owed, and forecasts what will come in by week: a financed invoice brings what its
// financier's claim leaves. pledged are the receivables that have a record, by invoice.
func Receivables(party domain.PartyID, asOf domain.Date, bills []Bill, pledged map[string]invoice.Receivable, all bool) (Sheet, error) {
	s := Sheet{Report: "receivables", Party: party, AsOf: asOf, Rows: []Row{}, head: []column{
		{name: "due"}, {name: "invoice"}, {name: "number"}, {name: "buyer"}, {name: "status"}, {name: "financing"}, {name: "controller"}, {name: "currency"}, {name: "payable", number: true},
		{name: "questioned", number: true}, {name: "advance", number: true}, {name: "expected", number: true}, {name: "expectedMinor", number: true, hidden: true},
	}}
	var t sums
	for _, b := range slices.SortedFunc(slices.Values(bills), byDue) {
		if b.From != party || b.ended && !all {
			continue
		}
		r := Receivable{Bill: b, Financing: invoice.Free, Controller: party, Advance: domain.Money{Currency: b.Payable.Currency}, Expected: b.Open}
		if p, known := pledged[b.Invoice]; known {
			r.Financing, r.Controller = p.Status, p.Controller
			if p.Deal != nil {
				claim, err := claimOn(p.Deal, b.Payable.Currency, later(asOf, b.Due))
				if err != nil {
					return s, err
				}
				r.Advance.Minor = p.Deal.Advance
				if p.Deal.FinancedOn != "" && !b.ended {
					r.Expected.Minor = max(0, b.Open.Minor-claim.Minor)
				}
			}
		}
		s.Rows = append(s.Rows, r)
		if !b.ended {
			t.add(week(b.Due, asOf), r.Expected)
		}
	}
	var err error
	s.Totals, err = t.totals(overdue)
	return s, err
}

// later is the later of two days; an empty one is none.
func later(a, b domain.Date) domain.Date { return max(a, b) }

// week names the week in which money is expected, by its Monday.
func week(due, asOf domain.Date) string {
	switch {
	case due == "":
		return notDue
	case due < asOf:
		return overdue
	}
	monday, err := calendar.Calendar{Weekend: []int64{2, 3, 4, 5, 6, 7}}.AddBusinessDays(due, 0)
	if err == nil && monday > due {
		monday, err = calendar.AddDays(monday, -7)
	}
	if err != nil {
		return notDue
	}
	return fmt.Sprintf("week of %s", monday)
}

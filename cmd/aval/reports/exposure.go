package reports

import (
	"cmp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"aval/contracts/invoice"
	"aval/contracts/invoice/interest"
	"aval/domain"
	"aval/domain/calendar"
)

// Exposure is a line of what a financier has out.
type Exposure struct {
	Invoice  string         `json:"invoice"`
	Status   string         `json:"status"`
	Supplier domain.PartyID `json:"supplier"`
	Buyer    domain.PartyID `json:"buyer"`
	Due      domain.Date    `json:"due,omitempty"`
	// Face is what the buyer owes, Advance what was paid for it, Received what has come back, Claim what is owed on the day of the report.
	Face     domain.Money `json:"face"`
	Advance  domain.Money `json:"advance"`
	Received domain.Money `json:"received"`
	Claim    domain.Money `json:"claim"`
	// Earned is the price so far; Yield what that is in a year of 365 days, in per cent of the advance, with two decimals. Empty on the first day.
	Earned domain.Money `json:"earned"`
	Days   int64        `json:"days"`
	Yield  string       `json:"yieldPercent,omitempty"`
	// Recourse says whether the supplier was asked to pay back.
	Recourse string `json:"recourse,omitempty"`
}

func (e Exposure) cells() []string {
	return []string{
		string(e.Due), e.Invoice, string(e.Supplier), string(e.Buyer), e.Status, string(e.Face.Currency), amount(e.Face), amount(e.Advance), amount(e.Received),
		amount(e.Claim), amount(e.Earned), count(e.Days), e.Yield, e.Recourse, count(e.Claim.Minor),
	}
}

// claimOn is what a financier is owed on a day: advance and price, less what it got.
func claimOn(d *invoice.Deal, currency domain.Currency, day domain.Date) (domain.Money, error) {
	earned, _, err := earnedBy(d, currency, day)
	return domain.Money{Minor: max(0, d.Advance+earned.Minor-d.Received), Currency: currency}, err
}

// earnedBy is the price of a financing up to a day, and the days.
func earnedBy(d *invoice.Deal, currency domain.Currency, day domain.Date) (domain.Money, int64, error) {
	none := domain.Money{Currency: currency}
	if d.FinancedOn == "" {
		return none, 0, nil
	}
	if d.CollectedOn != "" {
		day = min(day, d.CollectedOn)
	}
	days, err := calendar.Days(d.FinancedOn, day)
	if err != nil {
		return none, 0, err
	}
	days = max(0, days)
	price, err := interest.Simple(domain.Money{Minor: d.Advance, Currency: currency}, d.Price.Percent, days, d.Price.Basis)
	price.Minor += d.Price.Flat
	return price, days, err
}

// yield is an earning as a yearly rate.
func yield(earned, advance, days int64) string {
	if days == 0 || advance == 0 {
		return ""
	}
	return decimal.NewFromInt(earned).Mul(decimal.NewFromInt(36_500)).DivRound(decimal.NewFromInt(advance).Mul(decimal.NewFromInt(days)), 2).StringFixed(2)
}

// Exposures lists what a financier has out, by due day, with sums for each buyer.
func Exposures(party domain.PartyID, asOf domain.Date, claims []invoice.Claim, all bool) (Sheet, error) {
	s := Sheet{Report: "exposure", Party: party, AsOf: asOf, Rows: []Row{}, head: []column{
		{name: "due"}, {name: "invoice"}, {name: "supplier"}, {name: "buyer"}, {name: "status"}, {name: "currency"}, {name: "face", number: true}, {name: "advance", number: true},
		{name: "received", number: true}, {name: "claim", number: true}, {name: "earned", number: true}, {name: "days", number: true}, {name: "yield%", number: true}, {name: "recourse"},
		{name: "claimMinor", number: true, hidden: true},
	}}
	slices.SortFunc(claims, func(a, b invoice.Claim) int {
		return cmp.Or(strings.Compare(string(a.DueOn), string(b.DueOn)), strings.Compare(a.Invoice, b.Invoice))
	})
	var t sums
	for _, c := range claims {
		if c.Deal == nil || c.Deal.Financier != party || !all && !outstanding(c.Status) {
			continue
		}
		e, err := exposed(c, asOf)
		if err != nil {
			return s, err
		}
		s.Rows = append(s.Rows, e)
		if outstanding(c.Status) {
			t.add("advanced", e.Advance)
			t.add("claims", e.Claim)
			t.add("earned", e.Earned)
			t.add("claims on "+string(e.Buyer), e.Claim)
		}
	}
	var err error
	s.Totals, err = t.totals("advanced", "earned", "claims")
	return s, err
}

func outstanding(status string) bool {
	return status == invoice.Reserved || status == invoice.Financed || status == invoice.Defaulted
}

func exposed(c invoice.Claim, asOf domain.Date) (Exposure, error) {
	money := func(minor int64) domain.Money { return domain.Money{Minor: minor, Currency: c.Due.Currency} }
	e := Exposure{
		Invoice: c.Invoice, Status: c.Status, Supplier: c.Supplier, Buyer: c.Buyer, Due: c.DueOn, Face: c.Due, Advance: money(c.Deal.Advance), Received: money(c.Deal.Received),
	}
	if c.Deal.FinancedOn == "" { // reserved: nothing was paid out yet
		e.Advance = money(0)
	}
	if c.Deal.Demanded {
		e.Recourse = cmp.Or(c.Deal.Trigger, "demanded")
	}
	var err error
	if e.Earned, e.Days, err = earnedBy(c.Deal, c.Due.Currency, asOf); err != nil {
		return e, err
	}
	e.Yield = yield(e.Earned.Minor, e.Advance.Minor, e.Days)
	e.Claim = money(max(0, e.Advance.Minor+e.Earned.Minor-e.Received.Minor))
	return e, nil
}

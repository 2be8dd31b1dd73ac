package invoice

import (
	"strings"

	"github.com/shopspring/decimal"
)

// Limits of an order.
const (
	// MaxLines bounds the lines of an order, a shipment, a receipt or an invoice.
	MaxLines = 100
	// MaxNameLength bounds the ID of a line and the name of an item, in bytes.
	MaxNameLength = 64
)

// OrderLine is one thing ordered. Quantities and prices are decimal text, at most 9 digits and 6 decimals.
type OrderLine struct {
	ID string `json:"id"`
	// Item is the buyer's or the seller's name of it, or its GTIN.
	Item     string `json:"item"`
	Quantity string `json:"quantity"`
	// Unit is a code of UN/ECE Recommendation 20, "KGM"; quantities of two units are never added.
	Unit string `json:"unit"`
	// Price is that of one unit in major units, without tax.
	Price string `json:"price"`
	// Tolerance is what may differ without a question; nil is nothing.
	Tolerance *Tolerance `json:"tolerance,omitempty"`
}

// Tolerance bounds what may differ, absolutely and in percent of what was ordered; of two that
// are given the smaller counts, and if none is, nothing may differ.
type Tolerance struct {
	Quantity        string `json:"quantity,omitempty"`
	QuantityPercent string `json:"quantityPercent,omitempty"`
	Price           string `json:"price,omitempty"`
	PricePercent    string `json:"pricePercent,omitempty"`
}

// checkLines refuses an order beyond a limit or with a line that stands twice.
func (t Terms) checkLines() error {
	if len(t.Lines) > MaxLines {
		return invalid("lines: %d, want at most %d", len(t.Lines), MaxLines)
	}
	for i, l := range t.Lines {
		if !printable(l.ID, MaxNameLength) || !printable(l.Item, MaxNameLength) {
			return invalid("lines: id and item of number %d want 1 to %d printable characters", i+1, MaxNameLength)
		}
		if !unitCode(l.Unit) {
			return invalid("lines: unit of number %d is not a code of UN/ECE Recommendation 20", i+1)
		}
		for _, earlier := range t.Lines[:i] {
			if earlier.ID == l.ID {
				return invalid("lines: %.64q stands twice", l.ID)
			}
		}
		if err := l.checkNumbers(); err != nil {
			return err
		}
	}
	return nil
}

func (l OrderLine) checkNumbers() error {
	quantity, err := plain("lines.quantity", l.Quantity)
	if err != nil {
		return err
	}
	if !quantity.IsPositive() {
		return invalid("lines.quantity: want more than zero")
	}
	if _, err := plain("lines.price", l.Price); err != nil {
		return err
	}
	_, err = l.spare()
	return err
}

// unitCode says whether text has the form of a code of Recommendation 20: two or three capitals or digits.
func unitCode(text string) bool {
	return len(text) >= 2 && len(text) <= 3 && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// spare is how much quantity and price of a line may differ.
type spare struct{ quantity, price decimal.Decimal }

func (l OrderLine) spare() (spare, error) {
	t := l.Tolerance
	if t == nil {
		return spare{}, nil
	}
	quantity, err := lesser("tolerance.quantity", t.Quantity, t.QuantityPercent, l.Quantity)
	if err != nil {
		return spare{}, err
	}
	price, err := lesser("tolerance.price", t.Price, t.PricePercent, l.Price)
	return spare{quantity, price}, err
}

// lesser is the smaller of an absolute and a relative tolerance, of which either may be left out.
func lesser(field, absolute, relative, of string) (decimal.Decimal, error) {
	var least decimal.Decimal
	if absolute != "" {
		d, err := plain(field, absolute)
		if err != nil {
			return d, err
		}
		least = d
	}
	if relative == "" {
		return least, nil
	}
	share, err := percent(field+"Percent", relative)
	if err != nil {
		return share, err
	}
	whole, err := plain(field, of)
	part := whole.Mul(share).Shift(-2)
	if absolute != "" && least.LessThan(part) {
		return least, err
	}
	return part, err
}

// line finds a line of the order.
func (t Terms) line(id string) (OrderLine, bool) {
	for _, l := range t.Lines {
		if l.ID == id {
			return l, true
		}
	}
	return OrderLine{}, false
}

// Progress is how far a line of the order has come, over all shipments and invoices. Decimal text in the line's unit.
type Progress struct {
	Line string `json:"line"`
	// Shipped was despatched and not lost, Accepted was received and not rejected.
	Shipped  string `json:"shipped,omitempty"`
	Accepted string `json:"accepted,omitempty"`
	// Consented was received above the order, and the buyer keeps it.
	Consented string `json:"consented,omitempty"`
	// Billed is what approved invoices and open claims count.
	Billed string `json:"billed,omitempty"`
}

// progress finds or begins the progress of a line.
func (a *Agreement) progress(line string) *Progress {
	for i := range a.Progress {
		if a.Progress[i].Line == line {
			return &a.Progress[i]
		}
	}
	a.Progress = append(a.Progress, Progress{Line: line})
	return &a.Progress[len(a.Progress)-1]
}

// stored reads a quantity that this contract wrote itself; empty is zero.
func stored(text string) decimal.Decimal {
	d, err := decimal.NewFromString(text)
	if err != nil {
		return decimal.Zero
	}
	return d
}

// plus adds to a stored quantity; zero is written as nothing.
func plus(text string, d decimal.Decimal) string {
	sum := stored(text).Add(d)
	if sum.IsZero() {
		return ""
	}
	return sum.String()
}

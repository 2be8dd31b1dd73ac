package invoice

import (
	"strings"
	"testing"

	"aval/domain"
	"aval/domain/calendar"
)

// ordered is terms by scan with an order of two lines, in which a receipt advice is the last word.
func ordered() Terms {
	t := byScan()
	t.Triggers = []Trigger{Delivered, GoodsReceipt}
	t.InvoiceMillis, t.ReceiptMillis = 10*Day, 10*Day
	t.Lines = []OrderLine{
		{ID: "1", Item: "Gouda", Quantity: "100", Unit: "KGM", Price: "10.00", Tolerance: &Tolerance{Quantity: "2", QuantityPercent: "5", Price: "0.10"}},
		{ID: "2", Item: "Crate", Quantity: "5", Unit: "EA", Price: "20.00"},
	}
	return t
}

func TestInvalidOrders(t *testing.T) {
	for name, edit := range map[string]func(*Terms){
		"too many lines":        func(t *Terms) { t.Lines = make([]OrderLine, MaxLines+1) },
		"line without a name":   func(t *Terms) { t.Lines[0].ID = "" },
		"line twice":            func(t *Terms) { t.Lines[1].ID = "1" },
		"item too long":         func(t *Terms) { t.Lines[0].Item = strings.Repeat("x", MaxNameLength+1) },
		"unit in words":         func(t *Terms) { t.Lines[0].Unit = "kilogram" },
		"quantity zero":         func(t *Terms) { t.Lines[0].Quantity = "0.000" },
		"quantity of 30 digits": func(t *Terms) { t.Lines[0].Quantity = strings.Repeat("9", 30) },
		"quantity 1e9":          func(t *Terms) { t.Lines[0].Quantity = "1e9" },
		"quantity not a number": func(t *Terms) { t.Lines[0].Quantity = "NaN" },
		"quantity with commas":  func(t *Terms) { t.Lines[0].Quantity = "1,000" },
		"price negative":        func(t *Terms) { t.Lines[0].Price = "-1" },
		"tolerance negative":    func(t *Terms) { t.Lines[0].Tolerance.Quantity = "-1" },
		"tolerance beyond":      func(t *Terms) { t.Lines[0].Tolerance.QuantityPercent = "101" },
		"price tolerance":       func(t *Terms) { t.Lines[0].Tolerance.Price = "x" },
		"receipt negative":      func(t *Terms) { t.ReceiptMillis = -1 },
		"claim beyond":          func(t *Terms) { t.ClaimMillis = MaxWindow + 1 },
		"settlement unknown":    func(t *Terms) { t.Settlement = "cheque" },
		"bank without need":     func(t *Terms) { t.Bank = "bank" },
		"undertaking, no bank":  func(t *Terms) { t.Settlement = Undertaking },
		"undertaking by whom":   func(t *Terms) { t.Settlement, t.Bank = Undertaking, "other" },
		"authority unknown":     func(t *Terms) { t.Authority = "nobody" },
		"authority is a side":   func(t *Terms) { t.Authority = "acme" },
		"agreed and delivered":  func(t *Terms) { t.Triggers = []Trigger{TermsAgreed, Delivered} },
		"accepted alone":        func(t *Terms) { t.Triggers = []Trigger{Accepted} },
		"late rate":             func(t *Terms) { t.Late = &Late{PercentPerDay: "x", CapPercent: "1"} },
		"late cap":              func(t *Terms) { t.Late = &Late{PercentPerDay: "1", CapPercent: "101"} },
		"late grace":            func(t *Terms) { t.Late = &Late{PercentPerDay: "1", CapPercent: "1", GraceMillis: -1} },
		"late cancelling":       func(t *Terms) { t.Late = &Late{PercentPerDay: "1", CapPercent: "1", CancelDays: MaxLateDays + 1} },
		"inspection days":       func(t *Terms) { t.InspectionDays = -1 },
		"31 days to inspect":    func(t *Terms) { t.InspectionMillis = 31 * Day },
		"31 business days":      func(t *Terms) { t.InspectionDays = 31 },
		"calendar out of order": func(t *Terms) { t.Calendar = &calendar.Calendar{Weekend: []int64{7, 6}} },
		"calendar too short": func(t *Terms) {
			t.Calendar = &calendar.Calendar{Holidays: []domain.Date{"2026-03-02"}, Through: "2026-03-31"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, byScan())
			s.Register("bank", domain.RoleBank)
			terms := ordered()
			edit(&terms)
			refused(t, s.try("acme", "propose", "B", Proposal{terms, s.Now() + start + hour}), domain.InvalidTerms)
		})
	}
	s := newStory(t, byScan())
	long := ordered()
	long.InspectionMillis, long.LongInspection = 31*Day, true // expressly agreed
	s.must("acme", "propose", "B", Proposal{long, start + hour})
}

func TestToleranceIsTheLowerOfTwo(t *testing.T) {
	for _, c := range []struct {
		tolerance       *Tolerance
		quantity, price string
	}{
		{nil, "0", "0"}, {&Tolerance{}, "0", "0"},
		{&Tolerance{Quantity: "2", QuantityPercent: "5"}, "2", "0"}, {&Tolerance{Quantity: "9", QuantityPercent: "5"}, "5", "0"},
		{&Tolerance{Quantity: "9"}, "9", "0"}, {&Tolerance{QuantityPercent: "1.5"}, "1.5", "0"},
		{&Tolerance{Quantity: "0", QuantityPercent: "5"}, "0", "0"},
		{&Tolerance{Price: "0.5", PricePercent: "10"}, "0", "0.5"}, {&Tolerance{Price: "5", PricePercent: "10"}, "0", "1"},
	} {
		got, err := OrderLine{Quantity: "100", Price: "10", Tolerance: c.tolerance}.spare()
		if err != nil || !got.quantity.Equal(stored(c.quantity)) || !got.price.Equal(stored(c.price)) {
			t.Errorf("%+v: quantity %s, price %s, %v", c.tolerance, got.quantity, got.price, err)
		}
	}
}

// orderOpening is an opening under the order, both lines in one invoice: 1,100.00 and 10 % tax.
func orderOpening(shipment string) Opening {
	return Opening{
		Agreement: "A", Number: "INV-" + shipment, Payable: domain.Money{Minor: 121_000, Currency: "EUR"}, Devices: []string{"probe"}, SSCC: sscc,
		Lines:        []ShippedLine{{Line: "1", Quantity: "100"}, {Line: "2", Quantity: "5"}},
		InvoiceLines: []BillLine{{Line: "1", Quantity: "100", Unit: "KGM", Price: "10.00"}, {Line: "2", Quantity: "5", Unit: "EA", Price: "20.00"}},
	}
}

// reordered is a story in which shipment S carries the whole order.
func reordered(t testing.TB) *story {
	t.Helper()
	s := newStory(t, ordered())
	s.must("acme", "ship", "S", orderOpening("S"))
	return s
}

func TestRefusedLoads(t *testing.T) {
	for name, edit := range map[string]func(*Opening){
		"no lines":             func(o *Opening) { o.Lines = nil },
		"line unknown":         func(o *Opening) { o.Lines[0].Line = "3" },
		"line twice":           func(o *Opening) { o.Lines[1].Line = "1" },
		"quantity zero":        func(o *Opening) { o.Lines[0].Quantity = "0" },
		"quantity negative":    func(o *Opening) { o.Lines[0].Quantity = "-1" },
		"advice of its own":    func(o *Opening) { o.Lines[0].Advice = &Advice{} },
		"accepted beforehand":  func(o *Opening) { o.Lines[0].Accepted = "1" },
		"invoice of no lines":  func(o *Opening) { o.InvoiceLines = nil },
		"invoice of a line":    func(o *Opening) { o.InvoiceLines[0].Line = "3" },
		"invoice in tonnes":    func(o *Opening) { o.InvoiceLines[0].Unit = "TNE" },
		"invoiced twice":       func(o *Opening) { o.InvoiceLines[1] = o.InvoiceLines[0] },
		"invoice of nothing":   func(o *Opening) { o.InvoiceLines[0].Quantity = "0" },
		"invoice price":        func(o *Opening) { o.InvoiceLines[0].Price = "1e9" },
		"invoice counts":       func(o *Opening) { o.InvoiceLines[0].Counted = "1" },
		"invoice agrees alone": func(o *Opening) { o.InvoiceLines[0].Agreed = "1" },
		"an invoice and one":   func(o *Opening) { o.Invoice = "I" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, ordered())
			o := orderOpening("S")
			edit(&o)
			if err := s.try("acme", "ship", "S", o); err == nil {
				t.Error("taken")
			} else {
				s.mayRefuse(err)
			}
		})
	}
	s := newStory(t, byScan())
	o := orderOpening("S") // lines under an agreement without an order
	refused(t, s.try("acme", "ship", "S", o), domain.LimitExceeded)
}

func TestRefusedReceipts(t *testing.T) {
	for name, c := range map[string]struct {
		sender domain.PartyID
		body   any
		want   domain.Code
	}{
		"by the supplier":         {"acme", ReceiptAdvice{}, domain.NotPermitted},
		"by the carrier":          {"hauler", ReceiptAdvice{}, domain.NotFound},
		"in the future":           {"bistro", ReceiptAdvice{At: start + Day}, domain.Malformed},
		"before despatch":         {"bistro", ReceiptAdvice{At: start - 1}, domain.Malformed},
		"line unknown":            {"bistro", ReceiptAdvice{Lines: []Advice{{Line: "9", Received: "1"}}}, domain.Malformed},
		"line twice":              {"bistro", ReceiptAdvice{Lines: []Advice{{Line: "2", Received: "5"}, {Line: "2", Received: "5"}}}, domain.Malformed},
		"does not add up":         {"bistro", ReceiptAdvice{Lines: []Advice{{Line: "1", Received: "90", Short: "9"}}}, domain.Malformed},
		"more without oversupply": {"bistro", ReceiptAdvice{Lines: []Advice{{Line: "1", Received: "110"}}}, domain.Malformed},
		"rejects more than came":  {"bistro", ReceiptAdvice{Lines: []Advice{{Line: "1", Received: "1", Short: "99", Rejected: "2", Reason: "A"}}}, domain.Malformed},
		"rejects without reason":  {"bistro", ReceiptAdvice{Lines: []Advice{{Line: "1", Received: "100", Rejected: "2"}}}, domain.Malformed},
		"reason in words":         {"bistro", ReceiptAdvice{Lines: []Advice{{Line: "1", Received: "100", Rejected: "2", Reason: "mouldy"}}}, domain.Malformed},
		"action unknown":          {"bistro", ReceiptAdvice{Lines: []Advice{{Line: "1", Received: "99", Short: "1", Action: "3"}}}, domain.Malformed},
		"quantity 1e9":            {"bistro", ReceiptAdvice{Lines: []Advice{{Line: "1", Received: "1e9"}}}, domain.Malformed},
		"too many seals":          {"bistro", ReceiptAdvice{Seals: make([]string, maxOpeningSeals+1)}, domain.LimitExceeded},
		"too many lines":          {"bistro", ReceiptAdvice{Lines: make([]Advice, MaxLines+1)}, domain.LimitExceeded},
		"no receipt":              {"bistro", []int{}, domain.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			s := reordered(t)
			refused(t, s.try(c.sender, "receive", "S", c.body), c.want)
		})
	}
	s := reordered(t)
	s.must("bistro", "receive", "S", nil)
	refused(t, s.try("bistro", "receive", "S", nil), domain.NotFound) // settled and closed
}

// A later receipt replaces an earlier one until an invoice about the goods is approved, and the order counts the last.
func TestALaterReceiptReplacesAnEarlierOne(t *testing.T) {
	s := newStory(t, ordered())
	o := orderOpening("S")
	o.Number, o.Payable, o.InvoiceLines = "", domain.Money{}, nil
	s.must("acme", "ship", "S", o)
	short := func(q, missing string) ReceiptAdvice {
		return ReceiptAdvice{Lines: []Advice{{Line: "1", Received: q, Short: missing}}}
	}
	for _, step := range []struct{ received, short, accepted string }{{"60", "40", "60"}, {"95", "5", "95"}, {"0", "100", ""}, {"99.5", "0.5", "99.5"}} {
		s.must("bistro", "receive", "S", short(step.received, step.short))
		var a Agreement
		s.Body(Kind, "agreement/A", &a)
		if got := a.progress("1").Accepted; got != step.accepted || a.progress("2").Accepted != "5" {
			t.Errorf("accepted %q, want %q", got, step.accepted)
		}
	}
}

// Of two invoices for the same goods the one that is matched first counts, and over-delivery of
// one line does not cure the shortage of another.
func TestWhatWasBilledIsNotBilledAgain(t *testing.T) {
	s := reordered(t)
	s.must("acme", "invoice", "J", Declaration{
		Agreement: "A", Number: "INV-J", Payable: domain.Money{Minor: 12_100, Currency: "EUR"}, Shipments: []string{"S"},
		Lines: []BillLine{{Line: "1", Quantity: "10", Unit: "KGM", Price: "10.00"}},
	})
	s.must("bistro", "receive", "S", nil)
	var first, second Bill
	s.Body(Kind, "invoice/S", &first)
	s.Body(Kind, "invoice/J", &second)
	if first.Status != Settled || second.Status != Exception || second.Claim != 12_100 || second.Paid != 0 {
		t.Errorf("first %s, second %s with %d in question", first.Status, second.Status, second.Claim)
	}
	s.must("acme", "concede", "J", nil)
	if got := s.Status(Kind, "invoice/J"); got != Credited {
		t.Errorf("second is %s", got)
	}
}

func TestPartsOfAnInvoiceSumToTheWhole(t *testing.T) {
	b := Bill{Payable: 100_01, Payment: Payment{Currency: "EUR"}, Lines: []BillLine{{Quantity: "3", Price: "1"}, {Quantity: "7", Price: "1"}}}
	a, err := b.worth(stored("3"))
	if err != nil || a != 30_00 {
		t.Errorf("3 of 10 are %d, %v", a, err)
	}
	whole, err := b.worth(stored("10"))
	if err != nil || whole != b.Payable {
		t.Errorf("all are %d, %v", whole, err)
	}
}

func TestTheBuyerMayTakeAnExceptionInFull(t *testing.T) {
	s := reordered(t)
	s.must("bistro", "receive", "S", ReceiptAdvice{Lines: []Advice{{Line: "1", Received: "50", Short: "50", Action: "2"}}})
	if b := s.bill(); b.Status != Exception || b.Claim != 55_000 || b.Paid != 66_000 {
		t.Fatalf("invoice %s, claim %d, paid %d", b.Status, b.Claim, b.Paid)
	}
	refused(t, s.try("bistro", "accept", "S", Acceptance{Deduction: 1, Reason: "QTY"}), domain.WrongState)
	s.must("bistro", "accept", "S", nil)
	if b := s.bill(); b.Status != Settled || b.Paid != 121_000 {
		t.Errorf("invoice %s, paid %d", b.Status, b.Paid)
	}
}

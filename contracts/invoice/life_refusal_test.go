package invoice

import (
	"testing"

	"aval/domain"
)

// pressed is a story under an order, with an authority and a price for lateness; S is on its way.
func pressed(t testing.TB) *story {
	t.Helper()
	terms := ordered()
	terms.Authority, terms.Late = "other", &Late{PercentPerDay: "1", CapPercent: "5"}
	s := newStory(t, terms)
	s.must("acme", "ship", "S", orderOpening("S"))
	return s
}

func TestRefusedInALife(t *testing.T) {
	cheaper := ordered()
	cheaper.Authority, cheaper.Lines[0].Price = "other", "9.00"
	hash, err := cheaper.Hash()
	if err != nil {
		t.Fatal(err)
	}
	edited := func(edit func(*Terms)) Proposal {
		terms := cheaper
		terms.Lines = append([]OrderLine{}, cheaper.Lines...)
		edit(&terms)
		return Proposal{terms, start + hour}
	}
	answer := func(code string) Response { return Response{Code: code, Reason: "QTY", Deduction: 5} }
	for _, c := range []struct {
		sender         domain.PartyID
		name, contract string
		body           any
		want           domain.Code
	}{
		{"bistro", "respond", "S", Response{Code: "XX"}, domain.Malformed},
		{"bistro", "respond", "S", Response{Code: "AP", Reason: "QTY"}, domain.Malformed},
		{"bistro", "respond", "S", Response{Code: "CA", Reason: "QTY"}, domain.Malformed},
		{"bistro", "respond", "S", Response{Code: "RE", Action: "NO"}, domain.Malformed},
		{"bistro", "respond", "S", Response{Code: "RE", Reason: "NON"}, domain.Malformed},
		{"bistro", "respond", "S", Response{Code: "UQ"}, domain.Malformed},
		{"bistro", "respond", "S", Response{Code: "UQ", Reason: "QTY", Deduction: 121_001}, domain.InvalidAmount},
		{"bistro", "respond", "S", answer("CA"), domain.WrongState},
		{"bistro", "respond", "S", answer("UQ"), domain.WrongState},
		{"acme", "respond", "S", Response{Code: "AB"}, domain.NotPermitted},
		{"hauler", "respond", "S", Response{Code: "AB"}, domain.NotFound},
		{"bistro", "respond", "S", []int{}, domain.Malformed},
		{"bistro", "amend", "A", edited(func(t *Terms) { t.Currency = "USD" }), domain.InvalidTerms},
		{"bistro", "amend", "A", edited(func(t *Terms) { t.Lines = t.Lines[1:] }), domain.InvalidTerms},
		{"bistro", "amend", "A", edited(func(t *Terms) { t.Lines[0].Unit = "TNE" }), domain.InvalidTerms},
		{"bistro", "amend", "A", edited(func(t *Terms) { t.Lines = nil }), domain.InvalidTerms},
		{"bistro", "amend", "A", edited(func(t *Terms) { t.Settlement = OpenAccount }), domain.InvalidTerms},
		{"bistro", "amend", "A", Proposal{cheaper, start}, domain.InvalidTerms},
		{"other", "amend", "A", Proposal{cheaper, start + hour}, domain.NotPermitted},
		{"hauler", "amend", "A", Proposal{cheaper, start + hour}, domain.NotFound},
		{"bistro", "amend", "A", []int{}, domain.Malformed},
		{"bistro", "agree", "A", Agreeing{hash}, domain.WrongState},
		{"bistro", "undertake", "A", Agreeing{hash}, domain.NotPermitted},
		{"other", "terminate", "A", nil, domain.NotPermitted},
		{"other", "close", "A", nil, domain.NotPermitted},
		{"hauler", "terminate", "A", nil, domain.NotFound},
		{"acme", "suspend", "A", Notice{TheBuyer}, domain.NotPermitted},
		{"other", "suspend", "A", Notice{"carrier"}, domain.Malformed},
		{"other", "resume", "A", nil, domain.WrongState},
		{"other", "appoint", "A", Appointment{"hauler"}, domain.WrongState},
		{"bistro", "endorse", "A", Appointment{"hauler"}, domain.WrongState},
		{"acme", "endorse", "A", Appointment{"hauler"}, domain.NotPermitted},
		{"acme", "excuse", "S", nil, domain.NotPermitted},
		{"hauler", "excuse", "S", nil, domain.NotFound},
		{"bistro", "return", "S", nil, domain.WrongState},
		{"acme", "takeBack", "S", nil, domain.WrongState},
		{"bistro", "cancel", "S", nil, domain.WrongState},
		{"bistro", "pay", "S", nil, domain.WrongState},
		{"acme", "compensate", "S", Compensation{domain.Money{Minor: 1, Currency: "EUR"}}, domain.NotFound},
		{"bistro", "drop", "S", nil, domain.NotFound},
		{"acme", "invoice", "S", declaring("INV-9", 1, "S"), domain.AlreadyExists},
		{"bistro", "invoice", "I", declaring("INV-9", 1, "S"), domain.NotPermitted},
		{"", "File", "S", nil, domain.NotFound},
		{"", "Restock", "S", nil, domain.WrongState},
		{"", "Sweep", "S", nil, domain.NotFound},
		{"", "Archive", "S", nil, domain.WrongState},
		{"", "Answer", "S", nil, domain.WrongState},
		{"", "Elapse", "S", nil, domain.NotFound},
	} {
		t.Run(c.name+" by "+string(c.sender)+" "+string(c.want), func(t *testing.T) {
			s := pressed(t)
			refused(t, s.try(c.sender, c.name, c.contract, c.body), c.want)
		})
	}
}

func TestAmendmentNeedsBothHandsAndInTime(t *testing.T) {
	s := newStory(t, ordered())
	next := ordered()
	next.Lines[0].Price = "9.00"
	hash, err := next.Hash()
	if err != nil {
		t.Fatal(err)
	}
	p := Proposal{next, start + hour}
	s.must("acme", "amend", "A", p)
	refused(t, s.try("bistro", "amend", "A", p), domain.WrongState)
	refused(t, s.try("acme", "agree", "A", Agreeing{hash}), domain.NotPermitted)
	refused(t, s.try("bistro", "withdraw", "A", nil), domain.WrongState)
	s.must("acme", "withdraw", "A", nil)
	s.must("acme", "amend", "A", p)
	s.Advance(start + hour)
	refused(t, s.try("bistro", "agree", "A", Agreeing{hash}), domain.WrongState) // it lapsed
	p.AnswerBy = start + 3*hour
	s.must("bistro", "amend", "A", p)
	s.must("acme", "agree", "A", Agreeing{hash})
	var a Agreement
	s.Body(Kind, "agreement/A", &a)
	if a.Version != 1 || a.Terms.Lines[0].Price != "9.00" || a.TermsHash != hash || a.Amendment != nil {
		t.Errorf("agreement %+v", a)
	}
}

// Terminated, an agreement takes nothing new and closes with the last that is open under it.
func TestTerminatedAgreementCloses(t *testing.T) {
	s := reordered(t)
	s.must("bistro", "terminate", "A", nil)
	o := orderOpening("T")
	o.Devices = []string{"second"}
	refused(t, s.try("acme", "ship", "T", o), domain.WrongState)
	s.Advance(start + hour)
	if s.Final(Kind, "agreement/A") {
		t.Fatal("closed before its shipment")
	}
	s.must("bistro", "receive", "S", nil)
	s.Advance(s.Now() + 1)
	if !s.Final(Kind, "agreement/A") || s.Balance("party/bistro", "EUR") != 1_000_000-121_000 {
		t.Errorf("agreement is %s, buyer has %d", s.Status(Kind, "agreement/A"), s.Balance("party/bistro", "EUR"))
	}
}

// An agreement alone may make invoices payable: an advance payment, before anything has left.
func TestTermsAgreedPayBeforeGoods(t *testing.T) {
	terms := ordered()
	terms.Triggers = []Trigger{TermsAgreed}
	s := newStory(t, terms)
	bill := Declaration{
		Agreement: "A", Number: "INV-1", Payable: domain.Money{Minor: 11_000, Currency: "EUR"},
		Lines: []BillLine{{Line: "2", Quantity: "5", Unit: "EA", Price: "20.00"}},
	}
	s.must("acme", "invoice", "I", bill)
	if s.Status(Kind, "invoice/I") != Settled || s.Balance("party/acme", "EUR") != 11_000 {
		t.Errorf("invoice is %s", s.Status(Kind, "invoice/I"))
	}
	bill.Number = "INV-2" // the order holds no more of that line
	s.must("acme", "invoice", "J", bill)
	if s.Status(Kind, "invoice/J") != Exception || s.Balance("party/acme", "EUR") != 11_000 {
		t.Errorf("the second is %s", s.Status(Kind, "invoice/J"))
	}
}

// Two devices at once prove an excursion that each alone shows once; one device alone does not.
func TestTwoDevicesAtOnceAreEnough(t *testing.T) {
	end := start + 60*minute
	one, other := lane(5000, 9000, 5000, 5000), lane(5000, 10_000, 5000, 5000)
	if j := assessed(t, coldChain(), end, one); len(j.Excursions) != 0 {
		t.Errorf("one device: %+v", j.Excursions)
	}
	j := assessed(t, coldChain(), end, one, other)
	if len(j.Excursions) != 1 || j.Excursions[0].DegreeMinutes != "20" {
		t.Errorf("two devices: %+v", j.Excursions)
	}
	later := lane(5000, 5000, 5000, 9000)
	if j := assessed(t, coldChain(), end, one, later); len(j.Excursions) != 0 {
		t.Errorf("one after the other: %+v", j.Excursions)
	}
}

func TestDaysLateAreThoseOfTheReceiver(t *testing.T) {
	terms := byScan()
	terms.Late = &Late{PercentPerDay: "1", CapPercent: "50", GraceMillis: hour}
	s := shipmentOf(terms) // due two days after 08:00 UTC
	due := s.deliverBy()
	for _, c := range []struct {
		at   domain.Millis
		want int64
	}{{due, 0}, {due + hour, 0}, {due + hour + 1, 1}, {due + 15*hour, 1}, {due + 16*hour, 1}, {due + 40*hour - 1, 1}, {due + 40*hour, 2}} {
		if got, err := s.daysLate(c.at); err != nil || got != c.want {
			t.Errorf("%d ms late: %d days, want %d, %v", c.at-due, got, c.want, err)
		}
	}
}

package invoice

import (
	"encoding/json"
	"testing"

	"aval/domain"
)

// What is refused of financing and debts, each code and each edge once. The story has invoice S,
// approved and offered to factor and rival, with an offer of each.
func TestFinancingRefused(t *testing.T) {
	mark := func(s *story) string { return s.receivable("S").Fingerprint }
	bad := func(change func(*Price)) Price {
		p := price()
		change(&p)
		return p
	}
	for name, c := range map[string]struct {
		by      domain.PartyID
		command string
		on      string
		body    func(*story) any
		code    domain.Code
	}{
		"offer by one who was not asked": {"other", "offer", "O", func(s *story) any {
			return Offering{mark(s), "P-factor", price(), s.Now() + Day}
		}, domain.NotFound},
		"offer for nothing": {"factor", "offer", "O", func(s *story) any {
			return Offering{"00", "P-factor", price(), s.Now() + Day}
		}, domain.NotFound},
		"offer under another's programme": {"factor", "offer", "O", func(s *story) any {
			return Offering{mark(s), "P-rival", price(), s.Now() + Day}
		}, domain.NotFound},
		"offer that has expired": {"factor", "offer", "O", func(s *story) any {
			return Offering{mark(s), "P-factor", price(), s.Now()}
		}, domain.Malformed},
		"offer for ever": {"factor", "offer", "O", func(s *story) any {
			return Offering{mark(s), "P-factor", price(), s.Now() + MaxOffer + 1}
		}, domain.Malformed},
		"offer of a taken ID": {"factor", "offer", "O-rival", func(s *story) any {
			return Offering{mark(s), "P-factor", price(), s.Now() + Day}
		}, domain.AlreadyExists},
		"advance of nothing": {"factor", "offer", "O", func(s *story) any {
			return Offering{mark(s), "P-factor", bad(func(p *Price) { p.AdvancePercent = "0" }), s.Now() + Day}
		}, domain.InvalidTerms},
		"advance of more than all": {"factor", "offer", "O", func(s *story) any {
			return Offering{mark(s), "P-factor", bad(func(p *Price) { p.AdvancePercent = "100.01" }), s.Now() + Day}
		}, domain.InvalidTerms},
		"negative rate": {"factor", "offer", "O", func(s *story) any {
			return Offering{mark(s), "P-factor", bad(func(p *Price) { p.Percent = "-1" }), s.Now() + Day}
		}, domain.InvalidTerms},
		"unknown basis": {"factor", "offer", "O", func(s *story) any {
			return Offering{mark(s), "P-factor", bad(func(p *Price) { p.Basis = "30/360" }), s.Now() + Day}
		}, domain.InvalidTerms},
		"negative fee": {"factor", "offer", "O", func(s *story) any {
			return Offering{mark(s), "P-factor", bad(func(p *Price) { p.Flat = -1 }), s.Now() + Day}
		}, domain.InvalidTerms},
		"no time to repay": {"factor", "offer", "O", func(s *story) any {
			return Offering{mark(s), "P-factor", bad(func(p *Price) { p.RepayMillis = 0 }), s.Now() + Day}
		}, domain.InvalidTerms},
		"programme by no financier":  {"acme", "programme", "P", func(*story) any { return programmeOf(1) }, domain.NotPermitted},
		"programme of another":       {"rival", "programme", "P-factor", func(*story) any { return programmeOf(1) }, domain.AlreadyExists},
		"programme without a limit":  {"factor", "programme", "P", func(*story) any { return programmeOf(0) }, domain.InvalidAmount},
		"programme for nobody":       {"factor", "programme", "P", func(*story) any { return Putting{Currency: "EUR", Limit: 1} }, domain.InvalidTerms},
		"programme in another money": {"factor", "programme", "P-factor", func(*story) any { p := programmeOf(1); p.Currency = "USD"; return p }, domain.AlreadyExists},
		"programme that states its use": {"factor", "programme", "P", func(*story) any {
			p := programmeOf(1)
			p.Buyers[0].Used = 1
			return p
		}, domain.InvalidTerms},
		"take by the financier":        {"factor", "take", "O-factor", nil, domain.NotPermitted},
		"take by a stranger":           {"other", "take", "O-factor", nil, domain.NotFound},
		"retract by the supplier":      {"acme", "retract", "O-factor", nil, domain.NotPermitted},
		"invite by the buyer":          {"bistro", "invite", "S", func(*story) any { return Inviting{Financiers: []domain.PartyID{"factor"}} }, domain.NotPermitted},
		"invite nobody":                {"acme", "invite", "S", func(*story) any { return Inviting{} }, domain.LimitExceeded},
		"invite no financier":          {"acme", "invite", "S", func(*story) any { return Inviting{Financiers: []domain.PartyID{"bank"}} }, domain.NotPermitted},
		"invite twice the same":        {"acme", "invite", "S", func(*story) any { return Inviting{Financiers: []domain.PartyID{"factor", "factor"}} }, domain.NotPermitted},
		"draw without a price":         {"acme", "draw", "S", func(*story) any { return Drawing{Programme: "P-factor"} }, domain.NotFound},
		"advance before":               {"factor", "advance", "S", nil, domain.NotFound},
		"notify before":                {"factor", "notify", "S", nil, domain.NotFound},
		"recourse before":              {"factor", "recourse", "S", nil, domain.NotFound},
		"repay before":                 {"acme", "repay", "S", nil, domain.WrongState},
		"clear by a stranger":          {"other", "clear", "00", nil, domain.NotFound},
		"report by a stranger":         {"other", "report", "0000000000000000000000000000000000000000000000000000000000000000", nil, domain.NotFound},
		"report of no mark":            {"registry", "report", "00", nil, domain.Malformed},
		"evaluate nothing":             {"registry", "evaluate", "00", func(*story) any { return struct{}{} }, domain.NotFound},
		"guarantee by no bank":         {"other", "guarantee", "S", func(*story) any { return Underwriting{euro(100_000)} }, domain.NotFound},
		"guarantee of less":            {"bank", "guarantee", "S", func(*story) any { return Underwriting{euro(99_999)} }, domain.InvalidAmount},
		"instruct by the supplier":     {"acme", "instruct", "S", func(*story) any { return Ordering{"E"} }, domain.NotPermitted},
		"instruct without a reference": {"bistro", "instruct", "S", func(*story) any { return Ordering{} }, domain.Malformed},
		"reference too long":           {"bistro", "instruct", "S", func(*story) any { return Ordering{"123456789012345678901234567890123456"} }, domain.Malformed},
		"confirm nothing":              {"acme", "confirm", "S", func(*story) any { return Confirming{"E", euro(1)} }, domain.NotFound},
		"return nothing":               {"acme", "returned", "S", func(*story) any { return Ordering{"E"} }, domain.NotFound},
		"early by the buyer":           {"bistro", "early", "S", nil, domain.NotPermitted},
		"pay by the supplier":          {"acme", "pay", "S", nil, domain.NotPermitted},
		"credit by the buyer": {"bistro", "credit", "C", func(*story) any {
			return Crediting{Agreement: "A", Number: "CN", TypeCode: "381", Amount: euro(1)}
		}, domain.NotPermitted},
		"credit of an invoice type": {"acme", "credit", "C", func(*story) any {
			return Crediting{Agreement: "A", Number: "CN", TypeCode: "386", Amount: euro(1)}
		}, domain.Malformed},
		"credit of nothing": {"acme", "credit", "C", func(*story) any {
			return Crediting{Agreement: "A", Number: "CN", TypeCode: "381", Amount: euro(0)}
		}, domain.InvalidAmount},
		"credit of the least number": {"acme", "credit", "C", func(*story) any {
			return Crediting{Agreement: "A", Number: "CN", TypeCode: "380", Amount: euro(-1 << 63)}
		}, domain.InvalidAmount},
		"credit of no invoice": {"acme", "credit", "C", func(*story) any {
			return Crediting{Agreement: "A", Invoice: "nothing", Number: "CN", TypeCode: "381", Amount: euro(1)}
		}, domain.NotFound},
		"credit under an invoice's number": {"acme", "credit", "C", func(*story) any {
			return Crediting{Agreement: "A", Number: "INV-1", TypeCode: "381", Amount: euro(1)}
		}, domain.AlreadyExists},
		"net nothing":    {"bistro", "net", "C", nil, domain.NotFound},
		"refund nothing": {"acme", "refund", "C", nil, domain.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			s := offered(t, onAccount(), price())
			var body any
			if c.body != nil {
				body = c.body(s)
			}
			refused(t, s.try(c.by, c.command, c.on, body), c.code)
		})
	}
}

// Terms of debt that contradict themselves, a limit or the registry.
func TestTermsOfDebtRefused(t *testing.T) {
	for name, change := range map[string]func(*DebtTerms){
		"calendar":           func(d *DebtTerms) { d.Calendar.Weekend = []int64{9} },
		"calendar too short": func(d *DebtTerms) { d.Calendar.Through = "2026-04-30" },
		"convention":         func(d *DebtTerms) { d.Convention = "sometimes" },
		"discount":           func(d *DebtTerms) { d.Discount.Percent = "101" },
		"late":               func(d *DebtTerms) { d.Late.Points = "many" },
		"retries":            func(d *DebtTerms) { d.Retries = MaxRetries + 1 },
		"retry days":         func(d *DebtTerms) { d.RetryDays = 0 },
		"default days":       func(d *DebtTerms) { d.DefaultDays = -1 },
		"return days":        func(d *DebtTerms) { d.ReturnDays = MaxReturnDays + 1 },
		"guarantor":          func(d *DebtTerms) { d.Guarantor = "factor" },
		"registry":           func(d *DebtTerms) { d.Registry = &RegistryTerms{Party: "nobody"} },
		"identity":           func(d *DebtTerms) { d.Registry.Supplier = " " },
		"key":                func(d *DebtTerms) { d.Registry.PublicKey = make([]byte, 32) },
	} {
		_, terms := registered(t)
		s := market(t, terms)
		var copied Terms
		if err := json.Unmarshal(must(json.Marshal(terms)), &copied); err != nil {
			t.Fatal(err)
		}
		change(copied.Debt)
		if err := s.try("acme", "propose", "B", Proposal{Terms: copied, AnswerBy: s.Now() + hour}); err == nil {
			t.Errorf("%s: was proposed", name)
		}
	}
}

func TestLeadingZerosAreFlaggedToWhoFinances(t *testing.T) {
	r, terms := registered(t)
	s := market(t, terms)
	s.bill1("S", "7023708")
	s.bill1("T", "0007023708")
	for i, id := range []string{"S", "T"} {
		s.must("acme", "invite", id, Inviting{Financiers: []domain.PartyID{"factor"}, Seed: seed(byte(10 + i))})
		s.evaluated(r, seed(byte(10+i)))
	}
	if a, b := s.receivable("S"), s.receivable("T"); a.Similar || !b.Similar || a.Fingerprint == b.Fingerprint || b.Status != Offered {
		t.Errorf("%+v\n%+v", a, b)
	}
}

func TestNothingIsFinancedUnderASuspensionOrADispute(t *testing.T) {
	terms := onAccount()
	terms.Authority = "other"
	s := offered(t, terms, price())
	s.must("other", "suspend", "A", Notice{TheSupplier})
	refused(t, s.try("acme", "take", "O-factor", nil), domain.WrongState)
	s.must("other", "resume", "A", nil)
	s.must("acme", "take", "O-factor", nil)
	s.must("other", "suspend", "A", Notice{TheBuyer})
	refused(t, s.try("factor", "advance", "S", nil), domain.WrongState)
	s.must("other", "resume", "A", nil)
	s.must("factor", "advance", "S", nil)
	// The buyer is insolvent: the financier's path goes on, by what the agreement holds.
	s.must("other", "suspend", "A", Notice{TheBuyer})
	s.Advance(start + 31*Day)
	s.is("receivable/S", Repaid)
}

// An administrator gets what is the supplier's; the financier is paid all the same.
func TestAdministratorGetsTheRemainder(t *testing.T) {
	terms := onAccount()
	terms.Authority = "other"
	s := financedBy(t, terms, price())
	s.Register("estate")
	s.must("other", "suspend", "A", Notice{TheSupplier})
	s.must("other", "appoint", "A", Appointment{"estate"})
	s.must("bistro", "endorse", "A", Appointment{"estate"})
	s.Advance(start + 31*Day)
	s.has("factor", 1_001_600)
	s.has("estate", 18_400)
	s.has("acme", 80_000)
}

// rawView reads records of every class.
type rawView struct{ viewOf }

func (v rawView) Get(key string) ([]byte, bool) {
	var body raw
	found := v.s.Body(Kind, key, &body)
	return body, found
}

func TestADisputeThatIsLostIsATriggerOfRecourse(t *testing.T) {
	s := financedBy(t, onAccount(), price())
	d := &draft{view: rawView{viewOf{s}}, in: domain.Input{Now: s.Now()}}
	if err := d.disputeLost("S"); err != nil {
		t.Fatal(err)
	}
	r, _, _ := d.receivables.fetch(d.view, receivableKey("S"))
	if trigger, err := d.trigger(r); trigger != DisputeLost || err != nil {
		t.Errorf("%q, %v", trigger, err)
	}
}

func TestOneNumberInTwoSpellingsIsOneInvoice(t *testing.T) {
	s := owed(t, onAccount())
	for _, number := range []string{"INV-1", "inv-1", " INV-1 ", "INV - 1", "Inv-1"} {
		o := opening()
		o.SSCC, o.Number = sscc, number
		refused(t, s.try("acme", "ship", "T", o), domain.AlreadyExists)
	}
	s.bill1("T", "INV-01")
}

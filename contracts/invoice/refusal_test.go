package invoice

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aval/contracts/contracttest"
	"aval/domain"
)

func TestInvalidTerms(t *testing.T) {
	for name, edit := range map[string]func(*Terms){
		"supplier unknown":            func(t *Terms) { t.Supplier = "nobody" },
		"supplier is no trader":       func(t *Terms) { t.Supplier = "idle" },
		"carrier unknown":             func(t *Terms) { t.Carrier = "nobody" },
		"buyer is the supplier":       func(t *Terms) { t.Buyer = t.Supplier },
		"carrier is the buyer":        func(t *Terms) { t.Carrier = t.Buyer },
		"no operator":                 func(t *Terms) { t.Operators = nil },
		"operator unknown":            func(t *Terms) { t.Operators = []domain.PartyID{"nobody"} },
		"operator twice":              func(t *Terms) { t.Operators = []domain.PartyID{"hauler", "hauler"} },
		"too many operators":          func(t *Terms) { t.Operators = slices.Repeat(t.Operators, MaxOperators+1) },
		"currency":                    func(t *Terms) { t.Currency = "XXX" },
		"maxPayable zero":             func(t *Terms) { t.MaxPayable = 0 },
		"maxPayable beyond":           func(t *Terms) { t.MaxPayable = domain.MaxMinor + 1 },
		"expired":                     func(t *Terms) { t.ExpiresAt = start },
		"expires far ahead":           func(t *Terms) { t.ExpiresAt = start + 10*MaxWindow + 1 },
		"trigger unknown":             func(t *Terms) { t.Triggers = []Trigger{Delivered, "paid"} },
		"trigger twice":               func(t *Terms) { t.Triggers = []Trigger{Delivered, Delivered} },
		"no delivered":                func(t *Terms) { t.Triggers = []Trigger{Accepted} },
		"conditionKept of nothing":    func(t *Terms) { t.Condition = nil },
		"proof unknown":               func(t *Terms) { t.Delivery.Proof = "supplier" },
		"fence without use":           func(t *Terms) { t.Delivery.Proof = ByScan },
		"fence missing":               func(t *Terms) { t.Delivery.Fence = nil },
		"dock without scan":           func(t *Terms) { t.Delivery.Dock = "D" },
		"dock with spaces":            func(t *Terms) { t.Delivery.Proof, t.Delivery.Dock = ByAll, " D" },
		"dock too long":               func(t *Terms) { t.Delivery.Proof, t.Delivery.Dock = ByAll, strings.Repeat("D", MaxDockLength+1) },
		"no time to deliver":          func(t *Terms) { t.Delivery.WithinMillis = 0 },
		"within beyond":               func(t *Terms) { t.Delivery.WithinMillis = MaxWindow + 1 },
		"grace negative":              func(t *Terms) { t.Delivery.GraceMillis = -1 },
		"grace beyond":                func(t *Terms) { t.Delivery.GraceMillis = MaxWindow + 1 },
		"transit longer than allowed": func(t *Terms) { t.Delivery.MinTransitMillis = t.Delivery.WithinMillis },
		"transit negative":            func(t *Terms) { t.Delivery.MinTransitMillis = -1 },
		"latitude beyond":             func(t *Terms) { t.Delivery.Fence.Latitude = 900_000_001 },
		"longitude beyond":            func(t *Terms) { t.Delivery.Fence.Longitude = -1_800_000_001 },
		"radius zero":                 func(t *Terms) { t.Delivery.Fence.RadiusMetres = 0 },
		"radius beyond":               func(t *Terms) { t.Delivery.Fence.RadiusMetres = MaxRadiusMetres + 1 },
		"fence readings zero":         func(t *Terms) { t.Delivery.Fence.Readings = 0 },
		"fence readings beyond":       func(t *Terms) { t.Delivery.Fence.Readings = MaxFenceReadings + 1 },
		"dwell negative":              func(t *Terms) { t.Delivery.Fence.DwellMillis = -1 },
		"interval too short":          func(t *Terms) { t.Sampling.IntervalMillis = MinSampling - 1 },
		"interval too long":           func(t *Terms) { t.Sampling.IntervalMillis = MaxSampling + 1 },
		"gap negative":                func(t *Terms) { t.Sampling.MaxGapMillis = -1 },
		"gap zero, two positions":     func(t *Terms) { t.Sampling.MaxGapMillis = 0 },
		"wait below one interval":     func(t *Terms) { t.Sampling.WaitMillis = t.Sampling.IntervalMillis - 1 },
		"too many slices":             func(t *Terms) { t.Sampling.IntervalMillis, t.Delivery.WithinMillis = MinSampling, 5*hour },
		"band upside down":            func(t *Terms) { t.Condition.LowerMilli = t.Condition.UpperMilli + 1 },
		"band too low":                func(t *Terms) { t.Condition.LowerMilli = -MilliDegreeLimit - 1 },
		"band too high":               func(t *Terms) { t.Condition.UpperMilli = MilliDegreeLimit + 1 },
		"consecutive zero":            func(t *Terms) { t.Condition.Consecutive = 0 },
		"consecutive beyond":          func(t *Terms) { t.Condition.Consecutive = MaxConsecutive + 1 },
		"coverage beyond":             func(t *Terms) { t.Condition.MinCoverage = "100.000001" },
		"coverage no number":          func(t *Terms) { t.Condition.MinCoverage = "1e1" },
		"rate negative":               func(t *Terms) { t.Condition.Rate = "-1" },
		"rate empty":                  func(t *Terms) { t.Condition.Rate = "" },
		"rate too fine":               func(t *Terms) { t.Condition.Rate = "0.0000001" },
		"rate half written":           func(t *Terms) { t.Condition.Rate = "1." },
		"rate too large":              func(t *Terms) { t.Condition.Rate = "1000000000" },
		"cap beyond":                  func(t *Terms) { t.Condition.CapPercent = "101" },
		"no inspection":               func(t *Terms) { t.InspectionMillis = 0 },
		"no response":                 func(t *Terms) { t.ResponseMillis = 0 },
		"response beyond":             func(t *Terms) { t.ResponseMillis = MaxWindow + 1 },
		"payment days negative":       func(t *Terms) { t.PaymentDays = -1 },
		"payment days beyond":         func(t *Terms) { t.PaymentDays = MaxPaymentDays + 1 },
		"silence pays in full":        func(t *Terms) { t.SilencePercent = "100" },
		"silence empty":               func(t *Terms) { t.SilencePercent = "" },
		"dispute beyond":              func(t *Terms) { t.DisputePercent = "100.1" },
	} {
		t.Run(name, func(t *testing.T) {
			b := contracttest.New(t, Contract)
			for _, p := range []domain.PartyID{"acme", "bistro", "hauler"} {
				b.Register(p, domain.RoleSupplier, domain.RoleBuyer, domain.RoleCarrier)
			}
			b.Register("idle", domain.RoleMember)
			terms := coldChain()
			edit(&terms)
			sender := terms.Buyer
			err := b.Send(start, sender, Kind, "A", "propose", Proposal{terms, start + hour})
			refused(t, err, domain.InvalidTerms)
			var r *domain.Rejection
			if errors.As(err, &r) && len(r.Detail) < 10 {
				t.Errorf("no sentence: %q", r.Detail)
			}
		})
	}
}

func TestTermsAtTheirLimitsAreValid(t *testing.T) {
	for name, edit := range map[string]func(*Terms){
		"as they are":      func(*Terms) {},
		"no carrier":       func(t *Terms) { t.Carrier = "" },
		"band of no width": func(t *Terms) { t.Condition.LowerMilli, t.Condition.UpperMilli = -21_000, -21_000 },
		"poles":            func(t *Terms) { t.Delivery.Fence.Latitude, t.Delivery.Fence.Longitude = -900_000_000, 1_800_000_000 },
		"all slices": func(t *Terms) {
			t.Sampling.IntervalMillis, t.Delivery.WithinMillis, t.Delivery.GraceMillis = MinSampling, MaxSlices*SlotsPerSlice*MinSampling-1, 0
		},
		"percentages": func(t *Terms) {
			t.SilencePercent, t.DisputePercent, t.Condition.MinCoverage, t.Condition.CapPercent = "99.999999", "100", "0", "0"
		},
		"one position": func(t *Terms) { t.Delivery.Fence.Readings, t.Sampling.MaxGapMillis = 1, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			terms := coldChain()
			edit(&terms)
			newStory(t, terms)
		})
	}
}

func TestRefusedOnAnAgreement(t *testing.T) {
	eur := func(minor int64) Funding { return Funding{domain.Money{Minor: minor, Currency: "EUR"}} }
	valid := Proposal{coldChain(), start + hour}
	hash, err := coldChain().Hash()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sender         domain.PartyID
		name, contract string
		body           any
		want           domain.Code
	}{
		{"acme", "propose", "A", valid, domain.AlreadyExists},
		{"other", "propose", "C", valid, domain.NotPermitted},
		{"hauler", "propose", "C", valid, domain.NotPermitted},
		{"acme", "propose", "C", Proposal{coldChain(), start}, domain.InvalidTerms},
		{"acme", "propose", "C", Proposal{coldChain(), start + MaxAnswer + 1}, domain.InvalidTerms},
		{"acme", "propose", "C", Proposal{coldChain(), start + 100*Day + 1}, domain.InvalidTerms},
		{"acme", "propose", "C", map[string]any{"price": 1}, domain.Malformed},
		{"acme", "agree", "B", Agreeing{hash}, domain.NotPermitted},
		{"bistro", "agree", "B", Agreeing{strings.Repeat("0", 64)}, domain.InvalidTerms},
		{"bistro", "agree", "A", Agreeing{hash}, domain.WrongState},
		{"bistro", "agree", "Z", Agreeing{hash}, domain.NotFound},
		{"other", "agree", "B", Agreeing{hash}, domain.NotFound},
		{"bistro", "agree", "B", []int{1}, domain.Malformed},
		{"bistro", "fund", "B", eur(1), domain.WrongState},
		{"acme", "fund", "A", eur(1), domain.NotPermitted},
		{"hauler", "fund", "A", eur(1), domain.NotFound},
		{"bistro", "fund", "A", eur(0), domain.InvalidAmount},
		{"bistro", "fund", "A", eur(-5), domain.InvalidAmount},
		{"bistro", "fund", "A", eur(500_001), domain.InsufficientFunds},
		{"bistro", "fund", "A", Funding{domain.Money{Minor: 1, Currency: "USD"}}, domain.CurrencyMismatch},
		{"bistro", "fund", "A", "all", domain.Malformed},
		{"acme", "withdraw", "A", nil, domain.WrongState},
		{"bistro", "withdraw", "B", nil, domain.NotPermitted},
		{"acme", "withdraw", "B", map[string]any{"why": 1}, domain.Malformed},
		{"acme", "close", "B", nil, domain.WrongState},
		{"hauler", "close", "A", nil, domain.NotFound},
		{"acme", "observe", "A", nil, domain.NotEvidence},
		{"acme", "steal", "A", nil, domain.UnknownCommand},
		{"", "Steal", "A", nil, domain.UnknownCommand},
		{"", "Lapse", "A", nil, domain.WrongState},
		{"", "Judge", "A", nil, domain.NotFound},
	} {
		t.Run(c.name+" by "+string(c.sender)+" "+string(c.want), func(t *testing.T) {
			s := newStory(t, coldChain())
			s.must("acme", "propose", "B", valid)
			refused(t, s.try(c.sender, c.name, c.contract, c.body), c.want)
		})
	}
}

func TestAnUpperCaseNameFromAPartyIsUnknown(t *testing.T) {
	for _, in := range []domain.Input{
		{Sender: "acme", Command: domain.Command{Name: "Pay", Contract: "S"}}, {Command: domain.Command{Name: "close", Contract: "A"}},
	} {
		_, err := Contract.Apply(nil, in)
		refused(t, err, domain.UnknownCommand)
	}
}

func TestStrangerAndVoidReadTheSame(t *testing.T) {
	s := shipped(t, coldChain())
	for _, name := range []string{"close", "cancel", "concede"} {
		mine := s.try("other", name, map[string]string{"close": "A"}[name]+map[string]string{"cancel": "S", "concede": "S"}[name], nil)
		void := s.try("other", name, "Z", nil)
		text := func(err error) string {
			return strings.NewReplacer(`"A"`, "", `"S"`, "", `"Z"`, "").Replace(err.Error())
		}
		if text(mine) != text(void) {
			t.Errorf("%s: %v and %v tell which exists", name, mine, void)
		}
	}
}

func TestRefusedOpenings(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*Opening)
		want domain.Code
	}{
		"agreement unknown":    {func(o *Opening) { o.Agreement = "Z" }, domain.NotFound},
		"agreement only asked": {func(o *Opening) { o.Agreement = "B" }, domain.WrongState},
		"other currency":       {func(o *Opening) { o.Payable.Currency = "USD" }, domain.CurrencyMismatch},
		"payable zero":         {func(o *Opening) { o.Payable.Minor = 0 }, domain.InvalidAmount},
		"payable negative":     {func(o *Opening) { o.Payable.Minor = -1 }, domain.InvalidAmount},
		"above the maximum":    {func(o *Opening) { o.Payable.Minor = 500_001 }, domain.CapacityExceeded},
		"above the escrow":     {func(o *Opening) { o.Payable.Minor = 400_001 }, domain.InsufficientFunds},
		"number empty":         {func(o *Opening) { o.Number = "  " }, domain.Malformed},
		"number too long":      {func(o *Opening) { o.Number = strings.Repeat("9", MaxNumberLength+1) }, domain.Malformed},
		"number not printable": {func(o *Opening) { o.Number = "INV\n2" }, domain.Malformed},
		"number used":          {func(o *Opening) { o.Number = " INV-1  " }, domain.AlreadyExists},
		"hash of no document":  {func(o *Opening) { o.DocumentSHA256 = strings.Repeat("A", 64) }, domain.Malformed},
		"no device":            {func(o *Opening) { o.Devices = nil }, domain.LimitExceeded},
		"too many devices":     {func(o *Opening) { o.Devices = make([]string, MaxDevices+1) }, domain.LimitExceeded},
		"device name":          {func(o *Opening) { o.Devices = []string{"a/b"} }, domain.Malformed},
		"device unknown":       {func(o *Opening) { o.Devices = []string{"nothing"} }, domain.NotEvidence},
		"device of a stranger": {func(o *Opening) { o.Devices = []string{"foreign"} }, domain.NotEvidence},
		"device in use":        {func(o *Opening) { o.Devices = []string{"probe"} }, domain.WrongState},
		"device twice":         {func(o *Opening) { o.Devices = []string{"second", "second"} }, domain.WrongState},
		"sscc too short":       {func(o *Opening) { o.SSCC = "1234" }, domain.Malformed},
		"sscc digit":           {func(o *Opening) { o.SSCC = "106141411234567898" }, domain.Malformed},
		"despatch in the past": {func(o *Opening) { o.DespatchAt = start - 1 }, domain.Malformed},
		"despatch far ahead":   {func(o *Opening) { o.DespatchAt = start + MaxPlanAhead + 1 }, domain.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			s := shipped(t, coldChain())
			s.must("acme", "propose", "B", Proposal{coldChain(), start + hour})
			o := opening()
			o.Number, o.Devices, o.SSCC = "INV-2", []string{"second"}, "106141411234567897"
			c.edit(&o)
			refused(t, s.try("acme", "ship", "S2", o), c.want)
		})
	}
	s := shipped(t, coldChain())
	o := opening()
	o.Number, o.Devices = "INV-2", []string{"second"}
	refused(t, s.try("acme", "ship", "S", o), domain.AlreadyExists)
	refused(t, s.try("bistro", "ship", "S2", o), domain.NotPermitted)
	refused(t, s.try("hauler", "ship", "S2", o), domain.NotFound)
	refused(t, s.try("acme", "ship", "S2", map[string]any{"agreement": 1}), domain.Malformed)
	o.Number = "0INV-1" // leading zeros are significant
	s.must("acme", "ship", "S2", o)
	scanless := newStory(t, byScan())
	refused(t, scanless.try("acme", "ship", "S", opening()), domain.Malformed)
}

func TestRefusedOnAShipment(t *testing.T) {
	for _, c := range []struct {
		sender domain.PartyID
		name   string
		body   any
		want   domain.Code
	}{
		{"acme", "accept", nil, domain.NotPermitted},
		{"hauler", "accept", nil, domain.NotFound},
		{"bistro", "accept", Acceptance{Deduction: 1, Reason: "XYZ"}, domain.Malformed},
		{"bistro", "accept", Acceptance{Deduction: 1}, domain.Malformed},
		{"bistro", "accept", Acceptance{Reason: "QTY"}, domain.InvalidAmount},
		{"bistro", "accept", Acceptance{Deduction: -1, Reason: "QTY"}, domain.InvalidAmount},
		{"bistro", "accept", Acceptance{Deduction: 100_000, Reason: "QTY"}, domain.InvalidAmount},
		{"bistro", "accept", []int{}, domain.Malformed},
		{"acme", "reject", Rejection{"QUA"}, domain.NotPermitted},
		{"bistro", "reject", Rejection{"NON"}, domain.Malformed},
		{"bistro", "reject", nil, domain.Malformed},
		{"bistro", "reject", []int{}, domain.Malformed},
		{"acme", "concede", nil, domain.WrongState},
		{"acme", "contest", nil, domain.WrongState},
		{"acme", "cancel", nil, domain.WrongState},
		{"acme", "deliver", Arrival{start}, domain.WrongState},
		{"", "Pay", nil, domain.WrongState},
		{"", "Depart", nil, domain.WrongState},
		{"", "Judge", nil, domain.WrongState},
		{"", "Overdue", nil, domain.WrongState},
	} {
		s := incomplete(t)
		t.Run(c.name+" by "+string(c.sender)+" "+string(c.want), func(t *testing.T) {
			refused(t, s.try(c.sender, c.name, "S", c.body), c.want)
		})
	}
	s := incomplete(t)
	s.must("bistro", "reject", "S", Rejection{"QUA"})
	refused(t, s.try("bistro", "concede", "S", nil), domain.NotPermitted)
	refused(t, s.try("bistro", "reject", "S", Rejection{"QUA"}), domain.WrongState)
	refused(t, s.try("bistro", "accept", "S", Acceptance{Deduction: 1, Reason: "QTY"}), domain.WrongState)
	refused(t, s.Send(s.Now(), "", Kind, "S", "Decide-", nil), domain.UnknownCommand)
	s.must("acme", "concede", "S", nil)
	refused(t, s.try("bistro", "accept", "S", nil), domain.NotFound)
}

func TestRefusedDeliver(t *testing.T) {
	s := shipped(t, coldChain())
	refused(t, s.try("bistro", "deliver", "S", Arrival{start}), domain.NotPermitted)
	refused(t, s.try("acme", "deliver", "S", Arrival{start + 1}), domain.Malformed)
	refused(t, s.try("acme", "deliver", "S", Arrival{start - 1}), domain.Malformed)
	refused(t, s.try("acme", "deliver", "S", []int{}), domain.Malformed)
	s.observe(trip("probe", 12, cool)...)
	refused(t, s.try("acme", "deliver", "S", Arrival{s.Now()}), domain.WrongState)
}

// The carrier is shown what to carry, and finds no amount, price, share or invoice number in
// any record or event that it may see.
func TestCarrierSeesNoPrices(t *testing.T) {
	s := shipped(t, coldChain())
	s.observe(trip("probe", 12, func(int) int64 { return 9000 })...)
	s.Advance(start + 10*Day)
	if slices.Contains(s.Parties(Kind, "agreement/A"), "hauler") || slices.Contains(s.Parties(Kind, "samples/S/0/00000"), "hauler") {
		t.Error("carrier may see an agreement or samples")
	}
	if !slices.Contains(s.Parties(Kind, "shipment/S"), "hauler") {
		t.Error("carrier cannot see its shipment")
	}
	secret := regexp.MustCompile(`\b(100000|94000|6000|500000|0\.50|20|40|50)\b|INV-1|EUR|(?i:pay|penalty|silence|percent|rate)`)
	check := func(what string, text []byte) {
		for _, word := range secret.FindAllString(string(text), -1) {
			if word != "" {
				t.Errorf("%s shows %q to the carrier: %s", what, word, text)
			}
		}
	}
	body, _ := s.raw("shipment/S")
	bill, found := s.raw("invoice/S")
	if !found || slices.Contains(s.Parties(Kind, "invoice/S"), "hauler") {
		t.Error("carrier may see an invoice")
	}
	for _, viewer := range []domain.PartyID{"hauler", "other"} {
		check("shipment", shown(t, "shipment/S", body, viewer))
		check("invoice", shown(t, "invoice/S", bill, viewer))
	}
	for _, want := range []string{`"status":"deemedAccepted"`, `"upperMilli":8000`, `"deliveredAt":`, `"radiusMetres":200`} {
		if text := shown(t, "shipment/S", body, "hauler"); !strings.Contains(string(text), want) {
			t.Errorf("carrier misses %s in %s", want, text)
		}
	}
	for _, viewer := range []domain.PartyID{"acme", "bistro", ""} {
		if text := shown(t, "invoice/S", bill, viewer); !strings.Contains(string(text), `"payable":100000`) {
			t.Errorf("%q misses the payable: %s", viewer, text)
		}
	}
	seen := 0
	for _, e := range s.Events() {
		if slices.Contains(e.Parties, "hauler") {
			seen++
			text, err := jsonOf(e.Body)
			if err != nil {
				t.Fatal(err)
			}
			check("event "+e.Name, text)
		}
	}
	if seen != 6 { // opened, arrival, judged, excursion, inspection, decided
		t.Errorf("carrier sees %d events", seen)
	}
}

func TestShowHidesAnAgreementFromOthers(t *testing.T) {
	s := newStory(t, coldChain())
	body, _ := s.raw("agreement/A")
	if text := shown(t, "agreement/A", body, "hauler"); string(text) != "{}" {
		t.Errorf("carrier sees %s", text)
	}
	if text := shown(t, "agreement/A", body, "bistro"); !strings.Contains(string(text), `"maxPayable":500000`) {
		t.Errorf("buyer sees %s", text)
	}
	if _, err := Contract.Show("odd/A", body, ""); err == nil {
		t.Error("a record of an unknown class is shown")
	}
	if _, err := Contract.Show("agreement/A", []byte{0xff}, ""); err == nil {
		t.Error("damaged bytes are shown")
	}
}

func shown(t *testing.T, key string, body []byte, viewer domain.PartyID) []byte {
	t.Helper()
	fields, err := Contract.Show(key, body, viewer)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

package demo

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const header = "YEAR,MONTH,DAY,AIRLINE,FLIGHT_NUMBER,ORIGIN_AIRPORT,DESTINATION_AIRPORT,ARRIVAL_DELAY,CANCELLED,DIVERTED\n"

func TestExpectedTiers(t *testing.T) {
	for _, c := range []struct {
		cells, tier string
		pays        int64
	}{
		{"59,0,0", "", 0}, {"60,0,0", "60", 50_00}, {"119,0,0", "60", 50_00}, {"120,0,0", "120", 100_00}, {"179.0,0,0.00", "120", 100_00},
		{"180,0,0", "180", 200_00}, {"-54,0,0", "", 0}, {",0,0", "", 0}, {"NA,0,0", "", 0}, {",1,0", "cancelled", 200_00},
		{",0.0,1.00", "diverted", 100_00}, {"300,0,1", "diverted", 100_00}, {"5,1,1", "cancelled", 200_00},
	} {
		rows, err := expect(strings.NewReader(header+"2015,1,2,NK,0407,MCO,DFW,"+c.cells+"\n2015,1,3,NK,407,MCO,DFW,500,0,0\n"), "2015-01-02")
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %v, %v", c.cells, rows, err)
		}
		if r := rows[0]; r.tier != c.tier || r.pays != c.pays || r.flight != "NK-407-MCO-DFW" || r.line != 2 {
			t.Errorf("%s: got %+v, want tier %q and %d", c.cells, r, c.tier, c.pays)
		}
	}
	other := "Year,Month,DayofMonth,UniqueCarrier,FlightNum,Origin,Dest,ArrDelay,Cancelled,Diverted\n2011,2,4,AA,428,IAH,DFW,61,0,0\n"
	if rows, err := expect(strings.NewReader(other), "2011-02-04"); err != nil || len(rows) != 1 || rows[0].tier != "60" {
		t.Errorf("the hflights form: %+v, %v", rows, err)
	}
	if _, err := expect(strings.NewReader("YEAR,MONTH\n"), "2015-01-02"); err == nil {
		t.Error("a file without the columns is read")
	}
}

func TestCanariesAreFound(t *testing.T) {
	dir := t.TempDir()
	canaries, err := amountCanaries(48_213_377)
	if err != nil {
		t.Fatal(err)
	}
	canaries = append(canaries, textCanaries("fjordlaks")...)
	for name, content := range map[string]string{
		"clean": "nothing to see \x02\xdf\xad", "name": "\x00fjordlaks\x00", "text": "amount 48213377", "cbor": "x\x1a\x02\xdf\xad\x81x",
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		found, err := searchCanaries(dir, canaries)
		if err != nil || len(found) == 0 != (name == "clean") {
			t.Errorf("%s: found %v, %v", name, found, err)
		}
		os.Remove(path)
	}
}

// sound is a summary in which nothing is wrong.
func sound() Summary {
	return Summary{
		Flights: FlightsResult{
			CoverResult: CoverResult{Policies: 3, Paid: 1, NotDue: 1, Void: 1, PaidMinor: 50_00}, ExpectedPaidMinor: 50_00,
			Crowd: CrowdResult{CoverResult: CoverResult{Policies: 1, Paid: 1, PaidMinor: 1}, ExpectedPaidMinor: 1},
		},
		Invoices: []InvoiceResult{
			{PayableMinor: 100, PenaltyMinor: 10, PaidMinor: 90, ReturnedMinor: 10, Status: "settled"},
			{PayableMinor: 100, PaidMinor: 100, Status: "settled"},
		},
		Payment:   PaymentResult{AmountMinor: 90, Status: "settled"},
		Telemetry: TelemetryResult{Messages: 2, Receipts: 2, Duplicates: 1, Quarantined: 2},
		Receipts:  ReceiptsResult{Issued: 2, Verified: 2}, SumsZero: true, LedgerClean: true,
	}
}

func TestFaultNamesWhatIsWrong(t *testing.T) {
	if err := sound().Fault(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Summary){
		"receipt":      func(s *Summary) { s.Receipts.Verified-- },
		"no receipt":   func(s *Summary) { s.Receipts = ReceiptsResult{} },
		"sums":         func(s *Summary) { s.SumsZero = false },
		"ledger":       func(s *Summary) { s.LedgerClean = false },
		"canary":       func(s *Summary) { s.CanariesFound = 1 },
		"unsettled":    func(s *Summary) { s.Flights.Void = 0 },
		"flight total": func(s *Summary) { s.Flights.PaidMinor++ },
		"crowd total":  func(s *Summary) { s.Flights.Crowd.PaidMinor++ },
		"crowd":        func(s *Summary) { s.Flights.Crowd.Paid = 0 },
		"invoice":      func(s *Summary) { s.Invoices[0].Status = "held" },
		"split":        func(s *Summary) { s.Invoices[0].ReturnedMinor-- },
		"no penalty":   func(s *Summary) { s.Invoices[0] = s.Invoices[1] },
		"one invoice":  func(s *Summary) { s.Invoices = s.Invoices[:1] },
		"paid less":    func(s *Summary) { s.Payment.AmountMinor-- },
		"unpaid":       func(s *Summary) { s.Payment.Status = "instructed" },
		"sensor":       func(s *Summary) { s.Telemetry.Receipts-- },
		"forgery":      func(s *Summary) { s.Telemetry.Quarantined = 1 },
		"duplicate":    func(s *Summary) { s.Telemetry.Duplicates = 0 },
	} {
		s := sound()
		s.Invoices = slices.Clone(s.Invoices)
		spoil(&s)
		if s.Fault() == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestClockNeverGoesBack(t *testing.T) {
	c := &clock{}
	later := time.UnixMilli(2000)
	c.set(later)
	c.set(time.UnixMilli(1000))
	if !c.Now().Equal(later) {
		t.Errorf("the clock went back to %v", c.Now())
	}
}

func TestInputRefusesHalfOfIt(t *testing.T) {
	for _, o := range []Options{
		{Flights: "x"}, {Date: "2015-01-02"}, {Flights: "x", Airports: "y"}, {Flights: "x", Airports: "y", Date: "2 January"},
		{Flights: "no-such-file", Airports: "y", Date: "2015-01-02"},
	} {
		if _, _, _, err := input(o); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

package demo

import (
	"fmt"
	"io"
	"slices"

	"aval/domain"
)

// Summary is what a demonstration showed. Amounts are minor units.
type Summary struct {
	Invoices  []InvoiceResult `json:"invoices"`
	Payment   PaymentResult   `json:"payment"`
	Telemetry TelemetryResult `json:"telemetry"`
	Flights   FlightsResult   `json:"flights"`
	Receipts  ReceiptsResult  `json:"receipts"`
	// SumsZero says that every currency sums to zero over all accounts.
	SumsZero bool `json:"sums_zero"`
	// LedgerClean says that the whole ledger was derived again from its files without a fault; Entries counts them.
	LedgerClean bool   `json:"ledger_clean"`
	Entries     uint64 `json:"entries"`
	// CanariesFound counts private words and amounts found in clear in the node's files: 0.
	CanariesFound int `json:"canaries_found"`
	// Enclave names the platform that sealed the keys.
	Enclave string  `json:"enclave"`
	Seconds float64 `json:"seconds"`
	// Serving says where the node can be asked, if it goes on.
	Serving *Serving `json:"serving,omitempty"`
}

// InvoiceResult is one delivery.
type InvoiceResult struct {
	Invoice       string          `json:"invoice"`
	Shipment      string          `json:"shipment"`
	Currency      domain.Currency `json:"currency"`
	PayableMinor  int64           `json:"payable_minor"`
	PenaltyMinor  int64           `json:"penalty_minor"`
	PaidMinor     int64           `json:"paid_minor"`
	ReturnedMinor int64           `json:"returned_minor"`
	Status        string          `json:"status"`
	// Story is the life of the shipment in the events that the ledger recorded.
	Story []string `json:"story"`
}

// PaymentResult is the first invoice's money on its way out: a pain.001 to the bank's own bank, and what a camt.054 said of it.
type PaymentResult struct {
	Message     string          `json:"message"`
	EndToEndID  string          `json:"end_to_end_id"`
	Currency    domain.Currency `json:"currency"`
	AmountMinor int64           `json:"amount_minor"`
	Status      string          `json:"status"`
}

// TelemetryResult counts what became of the messages of the gateways.
type TelemetryResult struct {
	Messages    int `json:"messages"`
	Receipts    int `json:"receipts"`
	Duplicates  int `json:"duplicates"`
	Quarantined int `json:"quarantined"`
}

// FlightsResult is a day of flights, each insured once.
type FlightsResult struct {
	Date     string `json:"date"`
	Unusable int    `json:"unusable"`
	CoverResult
	ExpectedPaidMinor int64          `json:"expected_paid_minor"`
	ExpectedByTier    map[string]int `json:"expected_by_tier"`
	// Crowd is the one flight that 500 people insured; it is not part of the figures above.
	Crowd CrowdResult `json:"crowd"`
	Polls int         `json:"polls"`
}

// CoverResult counts settled policies.
type CoverResult struct {
	Policies  int            `json:"policies"`
	Paid      int            `json:"paid"`
	NotDue    int            `json:"not_due"`
	Void      int            `json:"void"`
	PaidMinor int64          `json:"paid_minor"`
	ByTier    map[string]int `json:"by_tier"`
}

// CrowdResult is the crowded flight.
type CrowdResult struct {
	Flight string `json:"flight"`
	CoverResult
	ExpectedPaidMinor int64 `json:"expected_paid_minor"`
}

// ReceiptsResult counts receipts; each was verified from its own bytes and the policy file.
type ReceiptsResult struct {
	Issued   int `json:"issued"`
	Verified int `json:"verified"`
}

// tiers is the order in which tiers are shown.
var tiers = []string{"60", "120", "180", "cancelled", "diverted"}

// Fault gives the first thing that should not be, nil when all is well.
func (s Summary) Fault() error {
	checks := []struct {
		ok   bool
		what string
	}{
		{s.Receipts.Issued > 0 && s.Receipts.Verified == s.Receipts.Issued, "a receipt does not verify"},
		{s.SumsZero, "a currency does not sum to zero"},
		{s.LedgerClean, "the ledger does not verify"},
		{s.CanariesFound == 0, "something private stands in clear on disk"},
		{s.Flights.settled(), "a policy is not settled"},
		{s.Flights.PaidMinor == s.Flights.ExpectedPaidMinor, "the flights paid another total than their rows give"},
		{s.Flights.Crowd.PaidMinor == s.Flights.Crowd.ExpectedPaidMinor, "the crowd was paid another total than the row gives"},
		{s.Flights.Crowd.settled(), "a policy of the crowd is not settled"},
		{len(s.Invoices) == 2 && s.Invoices[0].settled() && s.Invoices[1].settled(), "an invoice is not settled in full"},
		{len(s.Invoices) == 2 && s.Invoices[0].PenaltyMinor > 0 && s.Invoices[1].PenaltyMinor == 0, "the excursion and only it costs a penalty"},
		{len(s.Invoices) == 2 && s.Payment.Status == "settled" && s.Payment.AmountMinor == s.Invoices[0].PaidMinor, "the supplier was not paid outside what it got"},
		{s.Telemetry.Messages > 0 && s.Telemetry.Receipts == s.Telemetry.Messages, "a sensor message has no receipt"},
		{s.Telemetry.Duplicates > 0 && s.Telemetry.Quarantined == 2, "the stranger's messages were not told apart"},
	}
	for _, c := range checks {
		if !c.ok {
			return fmt.Errorf("demonstration: %s", c.what)
		}
	}
	return nil
}

// settled says that what was declared went to one side or the other, less a penalty.
func (i InvoiceResult) settled() bool {
	return i.Status == "settled" && i.PaidMinor == i.PayableMinor-i.PenaltyMinor && i.ReturnedMinor == i.PenaltyMinor
}

func (c CoverResult) settled() bool { return c.Policies > 0 && c.Policies == c.Paid+c.NotDue+c.Void }

// Print shows the summary to a person.
func (s Summary) Print(w io.Writer) {
	fmt.Fprintln(w)
	for _, i := range s.Invoices {
		fmt.Fprintf(w, "Shipment %s: invoice %s, penalty %s, supplier paid %s, buyer got back %s (%s)\n", i.Shipment,
			money(i.PayableMinor, i.Currency), money(i.PenaltyMinor, i.Currency), money(i.PaidMinor, i.Currency), money(i.ReturnedMinor, i.Currency), i.Status)
		for _, line := range i.Story {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
	fmt.Fprintf(w, "Paid outside: %s by pain.001 %s, %s by camt.054\n", money(s.Payment.AmountMinor, s.Payment.Currency), s.Payment.Message, s.Payment.Status)
	t := s.Telemetry
	fmt.Fprintf(w, "Sensors: %d signed messages, %d ledger receipts, %d duplicates without effect, %d quarantined\n", t.Messages, t.Receipts, t.Duplicates, t.Quarantined)
	f := s.Flights
	fmt.Fprintf(w, "Flights of %s: %d policies, %d paid, %d not due, %d void; %s paid, %s expected from the rows\n", f.Date, f.Policies, f.Paid,
		f.NotDue, f.Void, money(f.PaidMinor, "USD"), money(f.ExpectedPaidMinor, "USD"))
	for _, tier := range tiers {
		fmt.Fprintf(w, "    %-10s %5d\n", tierName(tier), f.ByTier[tier])
	}
	c := f.Crowd
	fmt.Fprintf(w, "One flight (%s) with %d policies: %d paid, %d not due, %d void; %s\n", c.Flight, c.Policies, c.Paid, c.NotDue, c.Void, money(c.PaidMinor, "USD"))
	fmt.Fprintf(w, "Receipts: %d issued, %d verified offline. Sums zero: %s. Ledger derived again: %s, %d entries. Private words in clear on disk: %d\n",
		s.Receipts.Issued, s.Receipts.Verified, yes(s.SumsZero), yes(s.LedgerClean), s.Entries, s.CanariesFound)
	fmt.Fprintf(w, "Enclave: %s. Took %.1f s.\n", s.Enclave, s.Seconds)
	if s.Serving != nil {
		s.Serving.print(w)
	}
}

func tierName(tier string) string {
	if slices.Contains([]string{"60", "120", "180"}, tier) {
		return tier + " min"
	}
	return tier
}

func money(minor int64, c domain.Currency) string {
	return domain.Money{Minor: minor, Currency: c}.String()
}

func yes(ok bool) string {
	if ok {
		return "yes"
	}
	return "NO"
}

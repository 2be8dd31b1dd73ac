package invoice

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"aval/domain"
	"aval/domain/calendar"
	"aval/domain/canon"
)

// Limits of terms.
const (
	// MaxOperators bounds the parties whose devices count.
	MaxOperators = 8
	// MaxRadiusMetres bounds a fence, so that squares of distances fit 63 bits.
	MaxRadiusMetres = 50_000
	// MaxFenceReadings bounds the consecutive positions that a delivery may need.
	MaxFenceReadings = 1000
	// MaxConsecutive bounds the consecutive readings that an excursion may need.
	MaxConsecutive = 1000
	// MilliDegreeLimit is the plausible range either side of zero, 1,000 degrees Celsius.
	MilliDegreeLimit = 1_000_000
	// MinSampling and MaxSampling bound the interval between readings: 1 s to 1 day.
	MinSampling domain.Millis = 1000
	MaxSampling domain.Millis = Day
	// MaxWindow bounds every other span of time in the terms: 400 days.
	MaxWindow domain.Millis = 400 * Day
	// MaxPaymentDays bounds the days between acceptance and payment.
	MaxPaymentDays = 400
	// MaxAnswer bounds how long a proposal may stay open.
	MaxAnswer = MaxWindow
	// MaxDockLength bounds the label of a dock, in bytes.
	MaxDockLength = 64
	// Day is 24 hours: payment days are counted as such, without a calendar.
	Day domain.Millis = 24 * 60 * 60 * 1000
)

// Trigger is a fact that must be proved before an invoice is accepted without a word.
type Trigger string

// The triggers; the package comment says what each means.
const (
	Delivered     Trigger = "delivered"
	ConditionKept Trigger = "conditionKept"
	Accepted      Trigger = "accepted"
	GoodsReceipt  Trigger = "received"
	TermsAgreed   Trigger = "agreed"
)

// Proof says what proves a delivery.
type Proof string

// The proofs.
const (
	ByFence Proof = "fence"
	ByScan  Proof = "scan"
	ByAny   Proof = "any" // fence or scan, the earlier
	ByAll   Proof = "all" // fence and scan, the later
)

func (p Proof) needsFence() bool { return p != ByScan }
func (p Proof) needsScan() bool  { return p != ByFence }

// Terms is what supplier and buyer agree on. Fixed from the proposal on.
type Terms struct {
	Supplier domain.PartyID `json:"supplier"`
	Buyer    domain.PartyID `json:"buyer"`
	Carrier  domain.PartyID `json:"carrier,omitempty"`
	// Operators are the parties whose devices may be bound to a shipment.
	Operators []domain.PartyID `json:"operators"`
	Currency  domain.Currency  `json:"currency"`
	// MaxPayable is the largest invoice of one shipment, in minor units.
	MaxPayable int64 `json:"maxPayable"`
	// ExpiresAt is the instant from which nothing more may be shipped.
	ExpiresAt domain.Millis `json:"expiresAt"`
	Triggers  []Trigger     `json:"triggers"`
	Delivery  Delivery      `json:"delivery"`
	Sampling  Sampling      `json:"sampling"`
	// Condition is the temperature agreed on; nil if none is.
	Condition *Condition `json:"condition,omitempty"`
	// InspectionMillis is the buyer's time to accept or reject after the judgement.
	InspectionMillis domain.Millis `json:"inspectionMillis"`
	// ResponseMillis is the time for each further answer: of a silent buyer while held, of the
	// supplier to a claim, of both to settle a dispute.
	ResponseMillis domain.Millis `json:"responseMillis"`
	// PaymentDays is the time between acceptance and payment in days of 24 hours; 0 pays at once.
	PaymentDays int64 `json:"paymentDays"`
	// SilencePercent of the sum goes to the supplier if evidence is incomplete and the buyer
	// silent to the end; decimal text, "0" returns everything, below 100.
	SilencePercent string `json:"silencePercent"`
	// DisputePercent of the disputed amount goes to the supplier if a dispute is not settled in time.
	DisputePercent string `json:"disputePercent"`
	// InvoiceMillis is how long after the end of a shipment that was opened without an invoice one may still come.
	InvoiceMillis domain.Millis `json:"invoiceMillis,omitempty"`
	// ReceiptMillis is how long an invoice may wait for goods that have not left; 0 lets none come before them.
	ReceiptMillis domain.Millis `json:"receiptMillis,omitempty"`
	// ClaimMillis is how long a settled invoice stays open for claims and credit notes; 0 closes it at once.
	ClaimMillis domain.Millis `json:"claimMillis,omitempty"`
	// Lines are what is ordered; none if invoices are not compared with an order.
	Lines []OrderLine `json:"lines,omitempty"`
	// Settlement says whose money pays; empty is escrow.
	Settlement Settlement `json:"settlement,omitempty"`
	// Bank is who has undertaken to pay, for that settlement.
	Bank domain.PartyID `json:"bank,omitempty"`
	// Debt says by which days invoices are due and what time is worth; nil counts days of 24 hours.
	Debt *DebtTerms `json:"debt,omitempty"`
	// Authority may give notice that a side is insolvent; empty is nobody.
	Authority domain.PartyID `json:"authority,omitempty"`
	// Calendar is the receiver's local time and business days; nil is UTC, with business every day.
	Calendar *calendar.Calendar `json:"calendar,omitempty"`
	// InspectionDays are business days of the receiver, after that of the judgement, instead of InspectionMillis; 0 is none.
	InspectionDays int64 `json:"inspectionDays,omitempty"`
	// LongInspection says that more than 30 days of inspection were expressly agreed (Directive 2011/7/EU, article 3(4)).
	LongInspection bool `json:"longInspection,omitempty"`
	// Late is what a late delivery costs; nil makes it incomplete evidence instead.
	Late *Late `json:"late,omitempty"`
}

// Settlement says where the money for invoices comes from.
type Settlement string

// The settlements.
const (
	// Escrow holds the payable of each invoice from its declaration on.
	Escrow Settlement = "escrow"
	// Undertaking has a bank pay on the day, from what it has put in or by its own command.
	Undertaking Settlement = "undertaking"
	// OpenAccount has the buyer pay on the day, likewise.
	OpenAccount Settlement = "open"
)

// payer is who owes the money.
func (t Terms) payer() domain.PartyID {
	if t.Settlement == Undertaking {
		return t.Bank
	}
	return t.Buyer
}

// escrowed says whether invoices hold their money from the start.
func (s Settlement) escrowed() bool { return s == "" || s == Escrow }

// Carriage is the part of the terms that a shipment keeps.
type Carriage struct {
	Supplier         domain.PartyID   `json:"supplier"`
	Buyer            domain.PartyID   `json:"buyer"`
	Carrier          domain.PartyID   `json:"carrier,omitempty"`
	Operators        []domain.PartyID `json:"operators"`
	Currency         domain.Currency  `json:"currency"`
	Triggers         []Trigger        `json:"triggers"`
	Delivery         Delivery         `json:"delivery"`
	Sampling         Sampling         `json:"sampling"`
	Condition        *Condition       `json:"condition,omitempty"`
	InspectionMillis domain.Millis    `json:"inspectionMillis"`
	InvoiceMillis    domain.Millis    `json:"invoiceMillis,omitempty"`
	// Calendar is kept where something is counted by it.
	Calendar       *calendar.Calendar `json:"calendar,omitempty"`
	InspectionDays int64              `json:"inspectionDays,omitempty"`
	Late           *Late              `json:"late,omitempty"`
}

func (t Terms) carriage() Carriage {
	c := Carriage{
		Supplier: t.Supplier, Buyer: t.Buyer, Carrier: t.Carrier, Operators: t.Operators, Currency: t.Currency, Triggers: t.Triggers,
		Delivery: t.Delivery, Sampling: t.Sampling, Condition: t.Condition, InspectionMillis: t.InspectionMillis, InvoiceMillis: t.InvoiceMillis,
		InspectionDays: t.InspectionDays, Late: t.Late,
	}
	if c.InspectionDays > 0 || c.Late != nil {
		c.Calendar = t.Calendar
	}
	return c
}

// Payment is the part of the terms that an invoice keeps.
type Payment struct {
	Supplier       domain.PartyID  `json:"supplier"`
	Buyer          domain.PartyID  `json:"buyer"`
	Currency       domain.Currency `json:"currency"`
	ResponseMillis domain.Millis   `json:"responseMillis"`
	PaymentDays    int64           `json:"paymentDays"`
	SilencePercent string          `json:"silencePercent"`
	DisputePercent string          `json:"disputePercent"`
	ClaimMillis    domain.Millis   `json:"claimMillis,omitempty"`
	// OnTerms says that the agreement alone makes invoices payable, whatever becomes of the goods.
	OnTerms    bool       `json:"onTerms,omitempty"`
	Settlement Settlement `json:"settlement,omitempty"`
	// Payer is who owes the money, if it is not the buyer.
	Payer domain.PartyID `json:"payer,omitempty"`
	Debt  *DebtTerms     `json:"debt,omitempty"`
}

func (t Terms) payment() Payment {
	p := Payment{
		Supplier: t.Supplier, Buyer: t.Buyer, Currency: t.Currency, ResponseMillis: t.ResponseMillis, PaymentDays: t.PaymentDays,
		SilencePercent: t.SilencePercent, DisputePercent: t.DisputePercent, ClaimMillis: t.ClaimMillis,
		OnTerms: slices.Equal(t.Triggers, []Trigger{TermsAgreed}), Settlement: t.Settlement, Debt: t.Debt,
	}
	if t.Settlement == Undertaking {
		p.Payer = t.Bank
	}
	return p
}

// payer is who owes the money.
func (p Payment) payer() domain.PartyID {
	if p.Payer != "" {
		return p.Payer
	}
	return p.Buyer
}

// Delivery says where, by when and by what proof goods arrive.
type Delivery struct {
	Proof Proof  `json:"proof"`
	Fence *Fence `json:"fence,omitempty"`
	// Dock is the scanned label of the dock, or its GLN, which events name; empty if a scan of the goods alone is proof.
	Dock string `json:"dock,omitempty"`
	// Sealed says that the load travels under the seals that its opening names: a door that opens, or a seal
	// that is another, makes the evidence incomplete.
	Sealed bool `json:"sealed,omitempty"`
	// WithinMillis after despatch is the deadline; GraceMillis more is waited for late messages.
	WithinMillis domain.Millis `json:"withinMillis"`
	GraceMillis  domain.Millis `json:"graceMillis"`
	// MinTransitMillis is the shortest believable trip, so that nobody despatches at the
	// buyer's door after a warm journey; 0 if any is.
	MinTransitMillis domain.Millis `json:"minTransitMillis,omitempty"`
}

// Fence is a circle on the earth; see geofence.go for what is inside.
type Fence struct {
	// Latitude and Longitude of the centre in 1e-7 degrees.
	Latitude     int64 `json:"latitude"`
	Longitude    int64 `json:"longitude"`
	RadiusMetres int64 `json:"radiusMetres"`
	// Readings is how many consecutive positions inside are needed, DwellMillis how far apart
	// the first and last of them must be at least.
	Readings    int64         `json:"readings"`
	DwellMillis domain.Millis `json:"dwellMillis"`
}

// Sampling is what is expected of the devices.
type Sampling struct {
	// IntervalMillis is the longest time a reading stands for, and the length of a coverage slot.
	IntervalMillis domain.Millis `json:"intervalMillis"`
	// MaxGapMillis is the longest run of slots without a good reading that still is complete
	// evidence, and the longest time between two positions that count as consecutive.
	MaxGapMillis domain.Millis `json:"maxGapMillis"`
	// WaitMillis is how long late messages are waited for after a delivery; at least one interval.
	WaitMillis domain.Millis `json:"waitMillis"`
}

// Condition is a temperature band with its price.
type Condition struct {
	// LowerMilli and UpperMilli bound the band in thousandths of a degree Celsius; a reading
	// exactly on a bound is in range. They may be equal.
	LowerMilli int64 `json:"lowerMilli"`
	UpperMilli int64 `json:"upperMilli"`
	// MinCoverage is the least share of slots with a good reading, in percent, decimal text.
	MinCoverage string `json:"minCoverage"`
	// Consecutive is how many readings in a row must be out of range before they count.
	Consecutive int64 `json:"consecutive"`
	// Rate is the penalty per degree-minute in major units, decimal text, at most 6 decimals.
	Rate string `json:"rate"`
	// CapPercent bounds the penalty of a shipment, in percent of its payable, decimal text.
	CapPercent string `json:"capPercent"`
}

// Hash is the lower-case hexadecimal SHA-256 of the canonical encoding of the terms. An
// agreeing party repeats it.
func (t Terms) Hash() (string, error) {
	encoded, err := canon.Marshal(t)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:]), nil
}

// party says whether p is the supplier or the buyer.
func (t Terms) party(p domain.PartyID) bool { return p == t.Supplier || p == t.Buyer }

package invoice

import (
	"aval/contracts/invoice/fingerprint"
	"aval/domain"
	"aval/domain/calendar"
)

// The states of a receivable. Without a record it is free, and its supplier controls it.
const (
	Free      = "free"
	Offered   = "offered"  // financiers are asked
	Reserved  = "reserved" // one of them has it alone, and has paid nothing yet
	Financed  = "financed"
	Repaid    = "repaid"
	Recoursed = "recoursed" // the supplier took it back
	Defaulted = "defaulted" // also of an invoice: long overdue, and still owed
)

// Receivable is the record receivable/<invoice>: who is owed an invoice. It has one controller at all times.
type Receivable struct {
	Invoice    string          `json:"invoice"`
	Status     string          `json:"status"`
	Controller domain.PartyID  `json:"controller"`
	Supplier   domain.PartyID  `json:"supplier"`
	Buyer      domain.PartyID  `json:"buyer"`
	Currency   domain.Currency `json:"currency"`
	// Due, ApprovedOn and DueOn mirror the invoice for whoever finances it.
	Due        int64       `json:"due"`
	ApprovedOn domain.Date `json:"approvedOn,omitempty"`
	DueOn      domain.Date `json:"dueOn,omitempty"`
	// Seed is the supplier's secret from which the fingerprint was asked for.
	Seed []byte `json:"seed,omitempty"`
	// Fingerprint is the mark under which financiers and registry know it.
	Fingerprint string `json:"fingerprint,omitempty"`
	// Invited are the financiers that may offer.
	Invited []domain.PartyID `json:"invited,omitempty"`
	// Registry is asked before money is paid out, under its key and about the identity; empty for nobody.
	Registry    domain.PartyID        `json:"registry,omitempty"`
	RegistryKey []byte                `json:"registryKey,omitempty"`
	Identity    *fingerprint.Identity `json:"identity,omitempty"`
	// Calendar is that of the invoice.
	Calendar calendar.Calendar `json:"calendar"`
	// Cleared is the registry's word that it is financed nowhere else, Elsewhere that it is; Similar
	// says that another invoice differs from it in leading zeros only.
	Cleared   bool `json:"cleared,omitempty"`
	Elsewhere bool `json:"elsewhere,omitempty"`
	Similar   bool `json:"similar,omitempty"`
	// Deal is what was agreed with the financier that reserved it; nil before.
	Deal *Deal `json:"deal,omitempty"`
	// Ended says that the invoice is final; the record stays open while one of the two owes the other.
	Ended bool `json:"ended,omitempty"`
}

// Deal is a financing under way, amounts in minor units.
type Deal struct {
	Financier domain.PartyID `json:"financier"`
	Programme string         `json:"programme"`
	Price     Price          `json:"price"`
	Advance   int64          `json:"advance"`
	// ReservedUntil is when the reservation ends by itself unless the advance was paid.
	ReservedUntil domain.Millis `json:"reservedUntil,omitempty"`
	FinancedOn    domain.Date   `json:"financedOn,omitempty"`
	// NoticeAt is when the buyer was told whom to pay; zero means that it pays the supplier.
	NoticeAt domain.Millis `json:"noticeAt,omitempty"`
	// CollectedOn is the day on which the claim was met outside: its price stops there.
	CollectedOn domain.Date `json:"collectedOn,omitempty"`
	// DisputeLost says that the supplier compensated the buyer for goods after the approval.
	DisputeLost bool `json:"disputeLost,omitempty"`
	// Received is what the financier got for the invoice so far.
	Received int64 `json:"received,omitempty"`
	// Demand is what the supplier has to pay back, by DemandBy; it grows by the day.
	Demanded bool          `json:"demanded,omitempty"`
	Trigger  string        `json:"trigger,omitempty"`
	DemandBy domain.Millis `json:"demandBy,omitempty"`
	// Remainder is what the financier has to hand on of a payment outside.
	Remainder int64 `json:"remainder,omitempty"`
}

func receivableKey(invoice string) string { return "receivable/" + invoice }
func fingerprintKey(mark string) string   { return "fingerprint/" + mark }

func (r Receivable) escrow() domain.AccountID {
	return domain.EscrowAccount(Kind, receivableKey(r.Invoice))
}

// free says whether the supplier may dispose of it.
func (r Receivable) free() bool {
	return r.Status == Free || r.Status == Offered || r.Status == Recoursed
}

// noticed says whether the buyer has to pay the financier.
func (r Receivable) noticed() bool {
	return r.Deal != nil && r.Deal.NoticeAt != 0 && r.Controller == r.Deal.Financier
}

func (r Receivable) money(minor int64) domain.Money {
	return domain.Money{Minor: minor, Currency: r.Currency}
}

// partners are the two sides of a financing.
func (r Receivable) partners() []domain.PartyID {
	if r.Deal == nil {
		return []domain.PartyID{r.Supplier}
	}
	return []domain.PartyID{r.Supplier, r.Deal.Financier}
}

// parties see the record: the buyer not before it was told.
func (r Receivable) parties() []domain.PartyID {
	parties := r.partners()
	if r.Deal != nil && r.Deal.NoticeAt != 0 {
		parties = append(parties, r.Buyer)
	}
	return parties
}

// final says whether nobody owes anybody anything.
func (r Receivable) final() bool {
	return r.Ended && (r.Deal == nil || !r.Deal.Demanded && r.Deal.Remainder == 0)
}

// save writes the receivable, its deadlines, and the status under its fingerprint.
func (r Receivable) save(d *draft) {
	put(d, receivableKey(r.Invoice), r, r.Status, r.final(), r.parties()...)
	var unreserveAt, demandAt domain.Millis
	if r.Deal != nil {
		if r.Status == Reserved {
			unreserveAt = r.Deal.ReservedUntil
		}
		if r.Deal.Demanded {
			demandAt = r.Deal.DemandBy
		}
	}
	d.deadline(r.Invoice, unreserve, unreserveAt)
	d.deadline(r.Invoice, unanswered, demandAt)
	if r.Fingerprint != "" {
		d.saveMark(r)
	}
}

// receivable loads that of an invoice; nil if there is none, which is free.
func (d *draft) receivable(b *Bill) (*Receivable, error) {
	if !b.Pledged {
		return nil, nil
	}
	r, found, err := d.receivables.fetch(d.view, receivableKey(b.ID))
	if err != nil || !found {
		return nil, err
	}
	return r, nil
}

// mirror tells the receivable what became of its invoice.
func (d *draft) mirror(b *Bill) error {
	r, err := d.receivable(b)
	if err != nil || r == nil {
		return err
	}
	r.Due, r.ApprovedOn, r.DueOn = b.remaining(), b.ApprovedOn, b.DueOn
	d.receivables.touch(r)
	return nil
}

// Mark is the record fingerprint/<hex>: what registry and other financiers see of a receivable.
type Mark struct {
	Fingerprint string `json:"fingerprint"`
	Status      string `json:"status"`
	// Invoice is empty if the registry reported the fingerprint before this ledger knew it.
	Invoice string `json:"invoice,omitempty"`
}

// elsewhere is the status of a mark that the registry reported.
const elsewhere = "elsewhere"

func (d *draft) saveMark(r Receivable) {
	m := Mark{Fingerprint: r.Fingerprint, Status: r.Status, Invoice: r.Invoice}
	if r.Elsewhere {
		m.Status = elsewhere
	}
	parties := append([]domain.PartyID{r.Supplier}, r.Invited...)
	parties = append(parties, r.Registry)
	put(d, fingerprintKey(r.Fingerprint), m, m.Status, r.final(), parties...)
}

// identity is what makes the receivable of an invoice the same on every ledger.
func (b Bill) identity() fingerprint.Identity {
	supplier := string(b.Payment.Supplier)
	if s := b.Payment.Debt; s != nil && s.Registry != nil {
		supplier = s.Registry.Supplier
	}
	return fingerprint.Identity{Supplier: supplier, Number: b.Number, Year: b.Year}
}

package invoice

import (
	"slices"

	"aval/contracts/invoice/fingerprint"
	"aval/contracts/invoice/interest"
	"aval/domain"
	"aval/domain/calendar"
)

// Limits of a debt.
const (
	// MaxRetries bounds the attempts to collect a debt after the first.
	MaxRetries = 30
	// MaxDefaultDays bounds the days after the due day at which a debt is in default.
	MaxDefaultDays = 400
	// MaxReturnDays bounds the days in which a bank may return a payment made outside.
	MaxReturnDays = 400
)

// DebtTerms are the part of the terms about days and money: by which calendar days are counted,
// what a day early or late is worth, who stands in. Without them an invoice is due PaymentDays x
// 24 h after approval, and nothing is gained or lost by time.
type DebtTerms struct {
	// Calendar and Convention give the due day: PaymentDays after the local day of approval, moved if it is no business day.
	Calendar   calendar.Calendar   `json:"calendar"`
	Convention calendar.Convention `json:"convention,omitempty"`
	// Discount is what the buyer gives for payment before the due day; nil for nothing.
	Discount *interest.Discount `json:"discount,omitempty"`
	// Late is what a late payment costs unless the money lay in escrow; nil for nothing.
	Late *interest.Late `json:"late,omitempty"`
	// Retries is how often collection is tried again, RetryDays apart in business days.
	Retries   int64 `json:"retries,omitempty"`
	RetryDays int64 `json:"retryDays,omitempty"`
	// DefaultDays after the due day a debt is in default; 0 for never.
	DefaultDays int64 `json:"defaultDays,omitempty"`
	// ReturnDays is how long after a payment outside a bank may return it.
	ReturnDays int64 `json:"returnDays,omitempty"`
	// Guarantor is a bank that may guarantee approved invoices on an open account; empty for none.
	Guarantor domain.PartyID `json:"guarantor,omitempty"`
	// Registry keeps receivables from being financed on two ledgers; nil for none.
	Registry *RegistryTerms `json:"registry,omitempty"`
}

// RegistryTerms name who is asked whether a receivable is financed elsewhere.
type RegistryTerms struct {
	Party domain.PartyID `json:"party"`
	// PublicKey is the registry's, 32 bytes of ristretto255.
	PublicKey []byte `json:"publicKey"`
	// Supplier is the seller's identity outside, an LEI or VAT number, the same on every ledger.
	Supplier string `json:"supplier"`
}

func (s *DebtTerms) check(expires domain.Millis, registry domain.Registry) error {
	if s == nil {
		return nil
	}
	if err := s.Calendar.Check(); err != nil {
		return err
	}
	if !s.Calendar.Covers(s.Calendar.Day(expires)) {
		return invalid("debt.calendar ends before the agreement does")
	}
	if err := s.Convention.Check("debt.convention"); err != nil {
		return err
	}
	if err := s.checkPrices(); err != nil {
		return err
	}
	if s.Retries < 0 || s.Retries > MaxRetries || s.Retries > 0 && (s.RetryDays < 1 || s.RetryDays > MaxRetries) {
		return invalid("debt: want 0 to %d retries, 1 to %d business days apart", MaxRetries, MaxRetries)
	}
	if s.DefaultDays < 0 || s.DefaultDays > MaxDefaultDays || s.ReturnDays < 0 || s.ReturnDays > MaxReturnDays {
		return invalid("debt: want defaultDays and returnDays from 0 to %d and %d", MaxDefaultDays, MaxReturnDays)
	}
	if party, known := registry.Party(s.Guarantor); s.Guarantor != "" && (!known || !slices.Contains(party.Roles, domain.RoleBank)) {
		return invalid("debt.guarantor: must be a registered bank")
	}
	return s.Registry.check(registry)
}

func (s *DebtTerms) checkPrices() error {
	if s.Discount != nil {
		if err := s.Discount.Check("debt.discount"); err != nil {
			return err
		}
	}
	if s.Late != nil {
		return s.Late.Check("debt.late")
	}
	return nil
}

func (r *RegistryTerms) check(registry domain.Registry) error {
	if r == nil {
		return nil
	}
	if _, known := registry.Party(r.Party); !known {
		return invalid("debt.registry: must be a registered party")
	}
	if _, err := fingerprint.Normalise(r.Supplier); err != nil {
		return invalid("debt.registry.supplier: want the seller's identity outside")
	}
	if fingerprint.CheckPublic(r.PublicKey) != nil {
		return invalid("debt.registry.publicKey: want an element of ristretto255, %d bytes", fingerprint.ElementBytes)
	}
	return nil
}

// owed says whether somebody owes the invoice on terms of debt, instead of its money lying in escrow.
func (p Payment) owed() bool { return p.Debt != nil && !p.Settlement.escrowed() }

// calendar is the one by which days are counted: UTC if the terms have none.
func (p Payment) calendar() calendar.Calendar {
	if p.Debt == nil {
		return calendar.Calendar{}
	}
	return p.Debt.Calendar
}

// today is the local day of the batch.
func (d *draft) today(p Payment) domain.Date { return p.calendar().Day(d.in.Now) }

// dueOn gives the due day of what is approved now, and the instant at which it is collected:
// when that day opens, or at once if it has.
func (d *draft) dueOn(p Payment) (domain.Date, domain.Millis, error) {
	if p.Debt == nil {
		at := d.in.Now + domain.Millis(p.PaymentDays)*Day
		return domain.Day(at), at, nil
	}
	day, err := calendar.AddDays(d.today(p), p.PaymentDays)
	if err == nil {
		day, err = p.calendar().Roll(day, p.Debt.Convention)
	}
	if err != nil {
		return "", 0, err
	}
	at, err := p.calendar().Open(day)
	return day, max(at, d.in.Now), err
}
